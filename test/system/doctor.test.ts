import { execFileSync } from 'node:child_process';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { join } from 'node:path';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import test, { type ExecutionContext } from 'ava';
import { workflow } from '@holdfast/agent';
import {
  checkCertificates,
  checkCode,
  checkDisk,
  checkUplink,
  createSocketServer,
  examine,
  openBrokerMemory,
  readStopped,
  type Finding,
  type Patient,
} from '@holdfast/agent/internal';
import { freePort, startMosquitto } from '../support/brokers.ts';
import { shimIn } from '../support/faults/faulty.ts';
import { holdfast } from '../support/holdfast-cli.ts';
import { errand, liveOn } from '../support/lived-store.ts';
import { hasProgram } from '../support/program.ts';
import { ScriptedSurface } from '../support/scripted-surface.ts';
import { tempDir } from '../support/temp-dir.ts';
import { TestCa } from '../support/test-ca.ts';

const nobody: Patient = {
  ...{ status: undefined, stuck: [], dataDir: undefined, storeKey: undefined, uplink: undefined },
  nowMs: Date.now(),
};

function one(findings: readonly Finding[], check: string): Finding | undefined {
  return findings.findLast((finding) => finding.check === check);
}

async function listen(t: ExecutionContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

test('a name that is none is told from a port where nothing listens', async (t) => {
  const name = await checkUplink({ url: 'mqtt://gateway.invalid:1883' });
  const port = await checkUplink({ url: `mqtt://127.0.0.1:${await freePort()}` });

  t.regex(name.text, /^DNS: (there is no name|gateway\.invalid could not be looked up)/);
  t.regex(port.text, /^DNS \d+ ms → TCP: nothing listens on port \d+ of 127\.0\.0\.1$/);
  t.deepEqual([name.level, port.level], ['failure', 'failure']);
});

const withOpenssl = hasProgram('openssl') ? test : test.skip;

withOpenssl('needs openssl: a certificate that is not trusted or expired is named', async (t) => {
  const dir = await tempDir(t);
  const ca = await TestCa.make(dir, 'ours');
  const other = await TestCa.make(dir, 'other');
  const { cert, key } = await ca.issue('localhost', 'IP:127.0.0.1');
  const own = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
  const port = await listen(t, createTlsServer(own));
  const url = `mqtts://127.0.0.1:${port}`;

  const trusted = await checkUplink({ url, tls: { ca: await ca.read() } });
  const untrusted = await checkUplink({ url, tls: { ca: await other.read() } });

  t.regex(trusted.text, /^DNS \d+ ms → TCP \d+ ms → TLS \d+ ms$/);
  t.regex(untrusted.text, /→ TLS: /);
  t.is(untrusted.level, 'failure');
  const now = Date.now();
  const swapped = { cert: own.cert, key: await readFile(join(dir, 'ours.key'), 'utf8') };
  const levels = (at: number, tls = own) => checkCertificates(tls, at).map(({ level }) => level);
  t.deepEqual(levels(now), ['ok']);
  t.deepEqual(levels(now + 350 * 86_400_000), ['warning']);
  t.deepEqual(levels(now + 400 * 86_400_000), ['failure']);
  t.deepEqual(levels(0), ['failure']);
  t.deepEqual(levels(now, swapped), ['ok', 'failure']);
});

const withMosquitto = hasProgram('mosquitto') ? test : test.skip;

withMosquitto('needs mosquitto: a broker that refuses a device is told', async (t) => {
  const closed = await startMosquitto(t, ['allow_anonymous false']);
  const open = await startMosquitto(t);

  const refused = await checkUplink({ url: closed.url, device: 'd1' });
  const taken = await checkUplink({ url: open.url, device: 'd1' });

  t.like(refused, { level: 'failure', code: 'HF_BROKER_REFUSED' });
  t.regex(taken.text, /→ MQTT \d+ ms$/);
});

test('a broker whose ACL denies a device its topics is told, with the code of it', async (t) => {
  const broker = await Aedes.createBroker({
    authorizeSubscribe: (_client, _subscription, answer) => answer(null, null),
  });
  t.teardown(() => broker.close());
  const port = await listen(t, createServer(broker.handle));

  const denied = await checkUplink({ url: `mqtt://127.0.0.1:${port}`, device: 'd1' });

  t.like(denied, { level: 'failure', code: 'HF_BROKER_REFUSED' });
  t.regex(denied.text, /→ MQTT: /);
  t.regex(denied.hint ?? '', /its topics/);
});

withMosquitto('needs mosquitto: a broker that takes less than its profile says so', async (t) => {
  const { url } = await startMosquitto(t, [...['allow_anonymous true', 'max_packet_size 20480']]);
  const status = await new ScriptedSurface().status();
  const stopped = { ...status, agent: { ...status.agent, running: false } };

  const small = await examine({
    ...{ ...nobody, status: stopped },
    uplink: { url, mqttVersion: '5', brokerProfile: 'aws' },
  });

  t.like(one(small, 'broker'), {
    level: 'warning',
    text: 'it says that it takes 20.0 KiB at most; the profile counts on 60.0 KiB',
  });
});

test('what a broker was found to take, and what it never takes, is told', async (t) => {
  const dataDir = await tempDir(t);
  const url = `mqtt://127.0.0.1:${await freePort()}`;
  openBrokerMemory(dataDir, `${url} emqx`).save({ fits: 10_240, fails: 20_480 });
  const status = await new ScriptedSurface().status();
  const setAside = [{ lane: 'bulk' as const, seq: 7, bytes: 30_720, reason: 'oversize' }];
  const told = async (brokerProfile: 'emqx' | 'generic', backlog = status.backlog) => {
    const uplink = { url, brokerProfile };
    const findings = await examine({ ...nobody, status: { ...status, backlog }, dataDir, uplink });
    return findings.filter(({ check }) => check === 'broker').map(({ text }) => text);
  };

  t.deepEqual(await told('emqx'), [
    'it hung up at a message of 20.0 KiB, and took 10.0 KiB; the profile counts on 60.0 KiB',
  ]);
  t.deepEqual(await told('generic', { ...status.backlog, setAside }), [
    'an entry of 30.0 KiB fits in no message that it takes, and is set aside',
  ]);
});

const withCompiler = hasProgram('cc') ? test : test.skip;

withCompiler('needs cc: a disk whose syncs are slow is told', async (t) => {
  const dir = await tempDir(t);
  await writeFile(join(dir, 'orders'), 'slow 150 0\n');
  const shim = { LD_PRELOAD: await shimIn(dir), FAULT_DIR: dir, FAULT_FILE: join(dir, 'orders') };

  const { code, stdout } = await holdfast(['doctor', '--data-dir', dir], { env: shim });

  t.is(code, 8, 'there is no store either');
  t.regex(stdout, /disk +! a sync takes [1-9]\d\d+\.\d ms/);
});

test('a broker that accepts and says nothing is given up, and told', async (t) => {
  const port = await listen(t, createServer());

  const silent = await checkUplink({ url: `mqtt://127.0.0.1:${port}`, device: 'd1' });

  t.like(silent, { level: 'failure' });
  t.regex(silent.text, /→ MQTT: /);
});

test('a data directory that is missing, in RAM or on a disk is told', async (t) => {
  const sound = await checkDisk(await tempDir(t));

  t.regex((await checkDisk('/nowhere'))[0]?.text ?? '', /is not there/);
  t.deepEqual(
    sound.map(({ check }) => check),
    ['disk', 'disk'],
  );
  t.regex(sound[1]?.text ?? '', /^a sync takes \d/);
});

const mayMount = process.getuid?.() === 0 && hasProgram('mount');
const withMount = mayMount ? test.serial : test.serial.skip;

withMount('needs root: a disk that is read-only, full or in RAM is told', async (t) => {
  const dir = join(await tempDir(t), 'disk');
  await mkdir(dir);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir]);
  t.teardown(() => execFileSync('umount', [dir]));

  const small = await checkDisk(dir);
  await writeFile(join(dir, 'filler'), new Uint8Array(4 * 2 ** 20)).catch(() => undefined);
  const full = await checkDisk(dir);
  execFileSync('mount', ['-o', 'remount,ro', dir]);
  const readOnly = await checkDisk(dir);

  t.regex(small[0]?.text ?? '', /tmpfs, which is empty after a reboot/);
  t.like(small[1], { level: 'failure', text: '4.0 MiB are free' });
  t.like(full[0], { level: 'failure', text: `${dir} is full` });
  t.like(readOnly[0], { level: 'failure', text: `${dir} is read-only` });
});

test('a clock that cannot be right, is off, or was confirmed by nobody is told', async (t) => {
  const status = await new ScriptedSurface().status();
  const clockOf = async (source: 'gateway' | 'none', wallAheadMs: number, nowMs = Date.now()) => {
    const clock = { source, wallAheadMs, at: '2026-05-04T03:02:01.000Z' };
    return one(await examine({ ...nobody, nowMs, status: { ...status, clock } }), 'clock');
  };

  t.like(await clockOf('gateway', 12), { level: 'ok' });
  t.like(await clockOf('gateway', 252_000), {
    level: 'warning',
    text: 'it is 252 s ahead of the gateway',
  });
  t.like(await clockOf('none', 0), { level: 'warning' });
  t.like(await clockOf('gateway', 0, 86_400_000), {
    level: 'failure',
    text: 'the system says 1970-01-02T00:00:00.000Z',
  });
});

test('a gateway that is silent, an identity that is taken, and stuck runs are told', async (t) => {
  const surface = new ScriptedSurface();
  const hint = 'Mend it.';
  const ofLink = async (code: string) => {
    surface.link = { ...surface.link, state: 'stuck', problem: { code, message: code, hint } };
    return one(await examine({ ...nobody, status: await surface.status() }), 'uplink');
  };

  t.like(await ofLink('HF_GATEWAY_SILENT'), { level: 'failure', code: 'HF_GATEWAY_SILENT' });
  t.like(await ofLink('HF_IDENTITY_CONFLICT'), { level: 'failure', code: 'HF_IDENTITY_CONFLICT' });
  const { runs: stuck } = await surface.runs({ all: true, limit: 5 });
  const findings = await examine({ ...nobody, status: await surface.status(), stuck });
  t.regex(one(findings, 'runs')?.hint ?? '', /^holdfast workflow show /);
});

test('the store of a stopped agent is read whole: sound, and damaged', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1);

  const sound = await examine({ ...nobody, dataDir: dir });
  const files = await readdir(join(dir, 'store'));
  const [table = ''] = files.filter((name) => name.endsWith('.ldb'));
  const path = join(dir, 'store', table);
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(120, bytes.length - 48));
  const damaged = await examine({ ...nobody, dataDir: dir });

  t.regex(one(sound, 'store')?.text ?? '', /^every byte of \d+ entries is sound$/);
  t.like(one(damaged, 'store'), { level: 'failure' });
});

test('the command ends with 8 when all is not well, and names the line of a setting', async (t) => {
  const dir = await tempDir(t);
  const server = await createSocketServer({
    path: join(dir, 'agent.sock'),
    surface: new ScriptedSurface(),
    log: { error: () => undefined, info: () => undefined, debug: () => undefined },
  });
  t.teardown(() => server.close());
  const config = join(dir, 'agent.toml');
  await writeFile(config, `device = "d"\ndata-dri = "${dir}"\n`);

  const args = ['doctor', '--data-dir', dir, '--config', config];
  const { code, stdout, stderr } = await holdfast(args);

  t.deepEqual([code, stderr], [8, '']);
  t.regex(
    stdout,
    /config +✗ .+agent\.toml:2: there is no setting data-dri; did you mean data-dir\?/,
  );
  t.regex(stdout, /agent +✓ it runs as/);
});

test('a native part that cannot be loaded is told, and leaves the store as it is', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1);
  const broken = join(dir, 'broken.cjs');
  await writeFile(broken, 'process.dlopen = () => { throw new Error("wrong ELF class"); };\n');

  const env = { NODE_OPTIONS: `--require ${broken}` };
  const { code, stdout, stderr } = await holdfast(['doctor', '--data-dir', dir], { env });

  t.is(code, 8);
  t.regex(stdout, /wrong ELF class \(HF_STORE_NATIVE\)/);
  t.is(stderr, '');
  t.is((await holdfast(['store', 'check', '--data-dir', dir])).code, 0);
});

test('runs that are open are held against the code, without executing it', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1);
  const renamed = workflow('errand', async (ctx) => {
    await ctx.step('first', () => t.fail('a step was executed'));
    return ctx.step('other', () => t.fail('a step was executed'));
  });
  const newer = workflow('errand', async () => 0, { version: 2 });
  const stopped = await readStopped(dir);
  t.teardown(() => stopped.close());
  const told = async (code: Parameters<typeof checkCode>[1]) => {
    const findings = await checkCode(stopped.surface, code);
    return findings.map(({ level, code: error, text }) => [level, error, text]);
  };

  t.deepEqual(await told([errand]), [['ok', undefined, '1 workflow; 3 open runs fit']]);
  const [[level, code, text] = []] = await told([renamed]);
  t.deepEqual([level, code], ['failure', 'HF_CODE_MISMATCH']);
  t.regex(String(text), /step "second" was journaled; the code begins step "other", and 2 more/);
  const [[, unknown, gone] = []] = await told([newer]);
  t.is(unknown, 'HF_WORKFLOW_UNKNOWN');
  t.regex(String(gone), /is of errand version 1, and 2 more like it \(/);
});

test('code that cannot be loaded is told, and code that never ends keeps nobody', async (t) => {
  const dir = await tempDir(t);
  const data = join(dir, 'data');
  await liveOn(data, 1);
  const doctor = async (source: string) => {
    const file = join(dir, `${Buffer.from(source).length}.mjs`);
    await writeFile(file, source);
    return holdfast(['doctor', 'code', '--data-dir', data, '--code', file]);
  };
  const named = (name: string) => `{ kind: 'workflow', name: '${name}', version: 1, body() {} }`;

  const other = await doctor(`setInterval(() => {}, 1e6); export const a = ${named('other')};`);
  const broken = await doctor('export const = 1;');

  t.is(other.code, 8);
  t.regex(other.stdout, /^ code +✗ .*errand version 1, and 2 more/);
  t.regex(other.stdout, /\n0 ok, 0 warnings, 1 failure\n$/);
  t.regex(broken.stdout, /^ code +✗ .*\d+\.mjs:1.*\(HF_CODE_UNREADABLE\)/);
});
