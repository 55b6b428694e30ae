import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createServer as createTlsServer } from 'node:tls';
import { Aedes } from 'aedes';
import test, { type ExecutionContext } from 'ava';
import { workflow } from '@holdfast/agent';
import {
  checkCertificates,
  checkCode,
  checkService,
  createSocketServer,
  examine,
  openBrokerMemory,
  openDeviceKey,
  readStopped,
  type Finding,
  type Patient,
} from '@holdfast/agent/internal';
import { freePort, startMosquitto } from '../support/brokers.ts';
import { doctor, names, type Told } from '../support/doctor-told.ts';
import { shimIn } from '../support/faults/faulty.ts';
import { holdfast, holdfastBinary, startHoldfast } from '../support/holdfast-cli.ts';
import { errand, liveOn } from '../support/lived-store.ts';
import { hasProgram } from '../support/program.ts';
import { ScriptedSurface } from '../support/scripted-surface.ts';
import { tempDir } from '../support/temp-dir.ts';
import { TestCa } from '../support/test-ca.ts';

const nobody: Patient = {
  ...{ status: undefined, stuck: [], dataDir: undefined, storeKey: undefined, uplink: undefined },
  nowMs: Date.now(),
};
const ignore = (): void => undefined;
const code = fileURLToPath(new URL('../support/lived-store.js', import.meta.url));

function one(findings: readonly Finding[], check: string): Finding | undefined {
  return findings.findLast((finding) => finding.check === check);
}

async function listen(t: ExecutionContext, server: Server): Promise<number> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  return (server.address() as AddressInfo).port;
}

/** Answers whatever it hears as those do who want a login first. */
function portal(socket: Socket): void {
  socket.on('error', ignore).once('data', () => socket.end('HTTP/1.1 302 Found\r\n\r\n'));
}

const life = mkdtempSync(join(tmpdir(), 'holdfast-life-'));
test.before(() => liveOn(life, 1));
test.after.always(() => rmSync(life, { recursive: true, force: true }));

/** A device that has lived, and does not run. */
async function livedIn(t: ExecutionContext): Promise<string> {
  const dir = join(await tempDir(t), 'data');
  await cp(life, dir, { recursive: true });
  return dir;
}

/** Has the way of a stopped device to its gateway looked at, with these settings. */
async function uplinkOf(dataDir: string, settings: object): Promise<Told> {
  const config = join(dataDir, '..', `${Object.values(settings).join('').replace(/\W/g, '')}.toml`);
  const all = { 'data-dir': dataDir, device: 'd1', code, ...settings };
  const lines = Object.entries(all).map(([name, value]) => `${name} = "${value}"`);
  await writeFile(config, lines.join('\n'));
  return doctor(['uplink', 'certificate', '--config', config]);
}

test('a name that is none, and a port where nothing listens, are told', async (t) => {
  const dir = await livedIn(t);
  const name = await uplinkOf(dir, { gateway: 'mqtt://gateway.invalid:1883' });
  const port = await uplinkOf(dir, { gateway: `mqtt://127.0.0.1:${await freePort()}` });

  names(t, name, { check: 'uplink', text: /^DNS: .*gateway\.invalid/, hint: /misspelled|network/ });
  const text = /^DNS \d+ ms → TCP: nothing listens on port \d+ of 127\.0\.0\.1$/;
  names(t, port, { check: 'uplink', text, hint: /whether the broker runs/ });
});

const mayMount = process.getuid?.() === 0 && hasProgram('mount') && hasProgram('unshare');
const withMount = mayMount ? test.serial : test.serial.skip;

withMount('needs root: a resolver that does not answer is told', async (t) => {
  const dir = await tempDir(t);
  await writeFile(join(dir, 'resolv.conf'), 'nameserver 127.0.0.9\noptions timeout:1 attempts:1\n');
  await writeFile(join(dir, 'hosts'), '127.0.0.1 localhost\n');
  const config = join(dir, 'agent.toml');
  await writeFile(config, `gateway = "mqtt://gateway.example:1883"\ndata-dir = "${dir}"\n`);
  const apart = `set -e
    for each in resolv.conf hosts; do mount --bind ${dir}/$each /etc/$each; done
    exec ${process.execPath} ${holdfastBinary} doctor uplink --config ${config} -o json`;

  let said = '';
  try {
    execFileSync('unshare', ['--mount', '--net', 'sh', '-c', apart], { encoding: 'utf8' });
  } catch (error) {
    const { status, stdout } = error as { readonly status: number; readonly stdout: string };
    t.is(status, 8);
    said = stdout;
  }

  t.regex(said, /DNS: gateway\.example could not be looked up.*Is there a network\?/);
});

const withOpenssl = hasProgram('openssl') ? test : test.skip;

withOpenssl('needs openssl: a server that is not to be trusted is told, and why', async (t) => {
  const dir = await livedIn(t);
  const ca = await TestCa.make(dir, 'ours');
  const other = await TestCa.make(dir, 'other');
  const served = async (name: string, days?: number): Promise<string> => {
    const { cert, key } = await ca.issue(name, 'IP:127.0.0.1', days);
    const own = { cert: await readFile(cert, 'utf8'), key: await readFile(key, 'utf8') };
    const server = createTlsServer(own, (socket) => socket.on('error', ignore));
    return `mqtts://127.0.0.1:${await listen(t, server)}`;
  };
  const sound = await served('sound');
  const web = `mqtts://127.0.0.1:${await listen(t, createServer(portal))}`;

  const untrusted = await uplinkOf(dir, { gateway: sound, 'tls-ca': other.path });
  const expired = await uplinkOf(dir, { gateway: await served('old', -1), 'tls-ca': ca.path });
  const login = await uplinkOf(dir, { gateway: web, 'tls-ca': ca.path });

  const told = { check: 'uplink', hint: /--tls-ca.* clock/, code: 'HF_GATEWAY_UNTRUSTED' };
  names(t, untrusted, { ...told, text: /→ TLS: its certificate is not of a CA that is trusted/ });
  names(t, expired, { ...told, text: /→ TLS: its certificate has expired/ });
  names(t, login, { ...told, text: /→ TLS: what answers does not speak TLS/ });
});

const withBroker = hasProgram('mosquitto') && hasProgram('openssl') ? test : test.skip;

withBroker('needs mosquitto, openssl: a certificate that has expired is told', async (t) => {
  const dir = await livedIn(t);
  const ca = await TestCa.make(dir, 'ours');
  const server = await ca.issue('server', 'IP:127.0.0.1');
  const [good, old] = [await ca.issue('d1', 'DNS:d1'), await ca.issue('was', 'DNS:d1', -1)];
  const { port } = await startMosquitto(t, [
    ...[`cafile ${ca.path}`, `certfile ${server.cert}`, `keyfile ${server.key}`],
    ...['require_certificate true', 'use_identity_as_username true'],
  ]);
  const way = { gateway: `mqtts://127.0.0.1:${port}`, 'tls-ca': ca.path };

  const valid = await uplinkOf(dir, { ...way, 'tls-cert': good.cert, 'tls-key': good.key });
  const expired = await uplinkOf(dir, { ...way, 'tls-cert': old.cert, 'tls-key': old.key });

  t.like(one(valid.findings, 'certificate'), { level: 'ok' });
  const passed = /TLS \d+ ms \(TLS 1\.[23], .+\) → MQTT \d+ ms/;
  t.regex(one(valid.findings, 'uplink')?.text ?? '', passed);
  const own = { check: 'certificate', text: /of this device expired .+ ago/, hint: /Renew it/ };
  names(t, expired, own);
  names(t, expired, { check: 'uplink', text: /→ MQTT: /, hint: /lets a device in/ });
  const now = Date.now();
  const [cert, key] = [await readFile(good.cert, 'utf8'), await readFile(good.key, 'utf8')];
  const levels = (at: number, tls = { cert, key }) =>
    checkCertificates(tls, at).map(({ level }) => level);
  t.deepEqual(levels(now + 350 * 86_400_000), ['warning']);
  t.deepEqual(levels(0), ['failure']);
  const swapped = { cert, key: await readFile(server.key, 'utf8') };
  t.deepEqual(levels(now, swapped), ['ok', 'failure']);
});

const withMosquitto = hasProgram('mosquitto') ? test : test.skip;

withMosquitto('needs mosquitto: a broker that refuses a device is told', async (t) => {
  const dir = await livedIn(t);
  const closed = await startMosquitto(t, ['allow_anonymous false']);

  const refused = await uplinkOf(dir, { gateway: closed.url });

  const told = { check: 'uplink', text: /→ MQTT: /, code: 'HF_BROKER_REFUSED' };
  names(t, refused, { ...told, hint: /its name, its password/ });
});

test('a broker that says that it denies a device its topics is told', async (t) => {
  const dir = await livedIn(t);
  const broker = await Aedes.createBroker({
    authorizeSubscribe: (_client, _subscription, answer) => answer(null, null),
  });
  t.teardown(() => broker.close());
  const port = await listen(t, createServer(broker.handle));

  const denied = await uplinkOf(dir, { gateway: `mqtt://127.0.0.1:${port}` });

  const told = { check: 'uplink', text: /→ MQTT: /, code: 'HF_BROKER_REFUSED' };
  names(t, denied, { ...told, hint: /its topics/ });
});

withMosquitto('needs mosquitto: a gateway, an ACL, a broker that is silent is told', async (t) => {
  const dir = await livedIn(t);
  openDeviceKey(dir);
  const copies = [join(await tempDir(t), 'data'), join(await tempDir(t), 'data')] as const;
  for (const copy of copies) await cp(dir, copy, { recursive: true });
  const rights = join(dir, 'acl');
  await writeFile(rights, 'topic read other/#\n');
  const empty = await startMosquitto(t);
  // It takes what it denies, and drops it.
  const denying = await startMosquitto(t, ['allow_anonymous true', `acl_file ${rights}`]);
  const mute = `mqtt://127.0.0.1:${await listen(t, createServer())}`;

  // All wait for an answer that never comes.
  const [silent, denied, broker] = await Promise.all([
    uplinkOf(dir, { gateway: empty.url }),
    uplinkOf(copies[0], { gateway: denying.url }),
    uplinkOf(copies[1], { gateway: mute }),
  ]);

  const text = /→ MQTT \d+ ms → gateway: no answer within [34]\.\d s/;
  const told = { check: 'uplink', text, code: 'HF_GATEWAY_SILENT' };
  names(t, silent, { ...told, hint: /Check that the gateway runs/ });
  names(t, denied, { ...told, hint: /the broker lets this device publish and subscribe/ });
  names(t, broker, { check: 'uplink', text: /→ MQTT: /, hint: /lets a device in|swallows/ });
});

withMosquitto('needs mosquitto: a broker that takes less than its profile says so', async (t) => {
  const { url } = await startMosquitto(t, [...['allow_anonymous true', 'max_packet_size 20480']]);
  const dir = await livedIn(t);
  const small = { gateway: url, 'mqtt-version': '5', 'broker-profile': 'aws' };
  const config = join(dir, 'agent.toml');
  const all = { 'data-dir': dir, device: 'd1', code, ...small };
  await writeFile(
    config,
    Object.entries(all)
      .map(([name, value]) => `${name} = "${value}"`)
      .join('\n'),
  );

  const told = await doctor(['uplink', '--config', config, '--strict']);

  t.is(told.code, 8);
  const text = /^it says that it takes 20\.0 KiB at most; the profile counts on 60\.0 KiB$/;
  names(t, told, { check: 'broker', text, hint: /--broker-profile/, level: 'warning' });
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

withCompiler('needs cc: a disk whose syncs are slow is told, and is wrong if strict', async (t) => {
  const dir = await livedIn(t);
  await writeFile(join(dir, 'orders'), 'slow 150 0\n');
  const shim = { LD_PRELOAD: await shimIn(dir), FAULT_DIR: dir, FAULT_FILE: join(dir, 'orders') };
  const args = ['disk', '--data-dir', dir];

  const told = await doctor([...args, '--strict'], { env: shim });

  const text = /^a sync takes [1-9]\d\d+\.\d ms/;
  names(t, told, { check: 'disk', text, hint: /SD card.* SSD/, level: 'warning' });
  t.is(told.code, 8);
  t.is((await doctor(args, { env: shim })).code, 0, 'else it is no failure');
});

withMount('needs root: a disk that is read-only, full, in RAM or away is told', async (t) => {
  const [sound, dir] = [await livedIn(t), join(await tempDir(t), 'disk')];
  await mkdir(dir);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', dir]);
  t.teardown(() => execFileSync('umount', [dir]));
  await cp(sound, dir, { recursive: true });
  const look = (place = dir) => doctor(['disk', '--data-dir', place]);

  names(t, await look(), { check: 'disk', text: /tmpfs, which is empty/, hint: /--data-dir/ });
  await writeFile(join(dir, 'filler'), new Uint8Array(4 * 2 ** 20)).catch(() => undefined);
  names(t, await look(), { check: 'disk', text: /is full$/, hint: /Make room/ });
  execFileSync('mount', ['-o', 'remount,ro', dir]);
  names(t, await look(), { check: 'disk', text: /is read-only$/, hint: /Mount it for writing/ });
  names(t, await look('/nowhere'), { check: 'disk', text: /is not there/, hint: /data-dir right/ });
});

withMount('needs root: what root makes in the directory of somebody else is theirs', async (t) => {
  const dir = await livedIn(t);
  execFileSync('chown', ['-R', '65534:65534', dir]);
  const made = () => readdirSync(join(dir, 'store')).join();
  const before = made();

  const look = 'umask 077; exec "$@" doctor store --data-dir "$0"';
  execFileSync('sh', ['-c', look, dir, process.execPath, holdfastBinary]);

  t.not(made(), before, 'LevelDB makes files when it is opened');
  t.is(execFileSync('find', [dir, '-uid', '0'], { encoding: 'utf8' }), '');
});

test('a clock that cannot be right, is off, or was confirmed by nobody is told', async (t) => {
  const status = await new ScriptedSurface().status();
  const clockOf = async (source: 'gateway' | 'none', wallAheadMs: number, nowMs = Date.now()) => {
    const clock = { source, wallAheadMs, at: '2026-05-04T03:02:01.000Z' };
    return one(await examine({ ...nobody, nowMs, status: { ...status, clock } }), 'clock');
  };

  t.like(await clockOf('gateway', 12), { level: 'ok' });
  t.like(await clockOf('gateway', -252_000), {
    level: 'warning',
    text: 'it is 252 s behind the gateway',
  });
  t.like(await clockOf('gateway', 3_600_000), {
    level: 'failure',
    text: 'it is 3600 s ahead of the gateway',
  });
  t.like(await clockOf('none', 0), { level: 'warning' });
  t.like(await clockOf('gateway', 0, 86_400_000), {
    level: 'failure',
    text: 'the system says 1970-01-02T00:00:00.000Z',
  });
});

test('a link is wrong for what does not pass by itself, and stuck runs are', async (t) => {
  const surface = new ScriptedSurface();
  const hint = 'Mend it.';
  const ofLink = async (name: string, state: 'stuck' | 'offline' = 'stuck') => {
    surface.link = { ...surface.link, state, problem: { code: name, message: name, hint } };
    return one(await examine({ ...nobody, status: await surface.status() }), 'uplink')?.level;
  };

  t.is(await ofLink('HF_GATEWAY_SILENT'), 'failure');
  t.is(await ofLink('HF_IDENTITY_CONFLICT'), 'failure');
  t.is(await ofLink('HF_BROKER_REFUSED', 'offline'), 'failure');
  t.is(await ofLink('HF_GATEWAY_UNREACHABLE', 'offline'), 'warning');
  const { runs: stuck } = await surface.runs({ all: true, limit: 5 });
  const findings = await examine({ ...nobody, status: await surface.status(), stuck });
  t.regex(one(findings, 'runs')?.hint ?? '', /^holdfast workflow show /);
});

test('the store of a stopped agent is read whole: sound, and with flipped bytes', async (t) => {
  const dir = await livedIn(t);
  const look = () => doctor(['store', '--data-dir', dir]);

  const sound = await look();
  const files = await readdir(join(dir, 'store'));
  const [table = ''] = files.filter((name) => name.endsWith('.ldb'));
  const path = join(dir, 'store', table);
  const bytes = await readFile(path);
  await writeFile(path, bytes.fill(120, bytes.length - 48));
  const damaged = await look();

  t.regex(one(sound.findings, 'store')?.text ?? '', /^every byte of \d+ entries is sound$/);
  t.is(sound.code, 0);
  names(t, damaged, { check: 'store', text: /damaged/i, hint: /salvage/ });
});

test('how the agent before ended is told: closed, killed, or with its machine', async (t) => {
  const dir = await livedIn(t);
  const args = ['run', '--data-dir', dir, '--device', 'd1', '--code', code];
  const told = async (): Promise<string | undefined> =>
    one((await doctor(['power', '--data-dir', dir])).findings, 'power')?.text;

  t.is(await told(), 'the agent was closed in order');
  const agent = startHoldfast(t, args);
  await agent.nextLine();
  t.is(await told(), 'the agent before this one was closed in order');
  await agent.end('SIGKILL');
  t.is(await told(), 'the agent was killed; no write was torn');
  // As another boot finds it.
  await writeFile(join(dir, 'open'), '1 another-boot');
  t.regex((await told()) ?? '', /^the agent ended with the machine, which lost its power/);
});

/** What systemd says of a unit that runs, unless told otherwise. */
const unit = {
  ...{ LoadState: 'loaded', ActiveState: 'active', SubState: 'running', Result: 'success' },
  ...{ UnitFileState: 'enabled', NRestarts: '0', ExecMainStatus: '0', MemoryMax: '268435456' },
  MemoryCurrent: '81788928',
};

test('what systemd says of the agent is told, and what to do about it', async (t) => {
  const dir = await tempDir(t);
  const server = await createSocketServer({
    path: join(dir, 'agent.sock'),
    surface: new ScriptedSurface(),
    log: { error: () => undefined, info: () => undefined, debug: () => undefined },
  });
  t.teardown(() => server.close());
  const program = join(dir, 'systemctl');
  const say = async (changed: object): Promise<void> => {
    const fedUs = process.hrtime.bigint() / 1_000n - 11_000_000n;
    const all = { ...unit, MainPID: '812', WatchdogTimestampMonotonic: fedUs, ...changed };
    const said = Object.entries(all).map((property) => property.join('='));
    const text = `#!/bin/sh\ncat <<'END'\n${said.join('\n')}\nEND\n`;
    await writeFile(program, text, { mode: 0o755 });
  };
  const look = async (changed: object): Promise<Told> => {
    await say(changed);
    const findings = await checkService({ pid: 812, isInstalled: false }, program);
    return { code: 8, findings };
  };

  await say({});
  const env = { PATH: `${dir}:${process.env['PATH']}` };
  const { findings } = await doctor(['service', '--data-dir', dir], { env });
  t.deepEqual(
    findings.map(({ check, level }) => [check, level]),
    [['service', 'ok']],
  );
  const fine = findings[0]?.text ?? '';
  t.regex(fine, /^active \(running\), sign of life \d+ s ago, /);
  t.regex(fine, /, memory 78\.0 MiB of at most 256\.0 MiB$/);
  const told = (text: RegExp, hint: RegExp) => ({ check: 'service', text, hint });
  const failed = { ActiveState: 'failed', SubState: 'failed', Result: 'exit-code' };
  names(t, await look({ ...failed, ExecMainStatus: '78' }), told(/settings are wrong/, /restart/));
  const again = { ActiveState: 'activating', SubState: 'auto-restart', Result: 'watchdog' };
  const restarted = told(/watchdog, started again 7 times$/, /journalctl -u holdfast/);
  names(t, await look({ ...again, NRestarts: '7' }), restarted);
  const stopped = told(/it is stopped/, /systemctl start holdfast/);
  names(t, await look({ ActiveState: 'inactive', SubState: 'dead' }), stopped);
  const notEnabled = { ...told(/with the machine/, /systemctl enable/), level: 'warning' } as const;
  names(t, await look({ UnitFileState: 'disabled' }), notEnabled);
  t.deepEqual((await look({ MainPID: '7' })).findings, [], 'it is the unit of another agent');
});

test('an agent that hangs is told, within the time of a check', async (t) => {
  const dir = await livedIn(t);
  const agent = startHoldfast(t, ['run', '--data-dir', dir, '--device', 'd1', '--code', code]);
  await agent.nextLine();
  agent.child.kill('SIGSTOP');

  const startedAt = performance.now();
  const told = await doctor(['agent', 'clock', '--data-dir', dir]);

  const text = /has not answered within 5 s/;
  names(t, told, { check: 'agent', text, hint: /./, code: 'HF_AGENT_UNREACHABLE' });
  t.true(performance.now() - startedAt < 15_000);
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
  const { code: exit, stdout, stderr } = await holdfast(args);

  t.deepEqual([exit, stderr], [8, '']);
  t.regex(
    stdout,
    /config +✗ .+agent\.toml:2: there is no setting data-dri; did you mean data-dir\?/,
  );
  t.regex(stdout, /agent +✓ it runs as/);
  t.regex(stdout, /versions +✓ agent \S+ · Node \S+ · protocol 1\n/);
});

test('a native part that cannot be loaded is told, and leaves the store as it is', async (t) => {
  const dir = await livedIn(t);
  const broken = join(dir, 'broken.cjs');
  await writeFile(broken, 'process.dlopen = () => { throw new Error("wrong ELF class"); };\n');

  const env = { NODE_OPTIONS: `--require ${broken}` };
  const told = await doctor(['--data-dir', dir], { env });

  const native = { text: /wrong ELF class/, hint: /install/i, code: 'HF_STORE_NATIVE' };
  names(t, told, { check: 'agent', ...native });
  t.is((await holdfast(['store', 'check', '--data-dir', dir])).code, 0);
});

test('runs that are open are held against the code, without executing it', async (t) => {
  const dir = await livedIn(t);
  const renamed = workflow('errand', async (ctx) => {
    await ctx.step('first', () => t.fail('a step was executed'));
    return ctx.step('other', () => t.fail('a step was executed'));
  });
  const newer = workflow('errand', async () => 0, { version: 2 });
  const stopped = await readStopped(dir);
  t.teardown(() => stopped.close());
  const told = async (own: Parameters<typeof checkCode>[1]) => {
    const findings = await checkCode(stopped.surface, own);
    return findings.map(({ level, code: error, text }) => [level, error, text]);
  };

  t.deepEqual(await told([errand]), [['ok', undefined, '1 workflow; 3 open runs fit']]);
  const [[level, error, text] = []] = await told([renamed]);
  t.deepEqual([level, error], ['failure', 'HF_CODE_MISMATCH']);
  t.regex(String(text), /step "second" was journaled; the code begins step "other", and 2 more/);
  const [[, unknown, gone] = []] = await told([newer]);
  t.is(unknown, 'HF_WORKFLOW_UNKNOWN');
  t.regex(String(gone), /is of errand version 1, and 2 more like it \(/);
});

test('code that was changed, never ends, or cannot be loaded is told', async (t) => {
  const dir = await livedIn(t);
  const look = async (source: string): Promise<Told> => {
    const file = join(dir, `${Buffer.from(source).length}.mjs`);
    await writeFile(file, source);
    return doctor(['code', '--data-dir', dir, '--code', file]);
  };
  const of = (body: string) => `{ kind: 'workflow', name: 'errand', version: 1, ${body} }`;
  const renamed = of(`async body(ctx) { await ctx.step('another', () => 1); }`);

  const changed = await look(`setInterval(() => {}, 1e6); export const a = ${renamed};`);
  const broken = await look('export const = 1;');

  const text = /step "first" was journaled; the code begins step "another"/;
  const told = { check: 'code', text, hint: /Bring back the code/, code: 'HF_CODE_MISMATCH' };
  names(t, changed, told);
  const unreadable = { check: 'code', text: /\d+\.mjs:1/, code: 'HF_CODE_UNREADABLE' };
  names(t, broken, { ...unreadable, hint: /./ });
});
