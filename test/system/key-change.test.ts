import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openDeviceKey } from '@holdfast/agent/internal';
import { until } from '@holdfast/device-sim';
import { equalBytes } from '@holdfast/protocol';
import test from 'ava';
import { shimIn } from '../support/faults/faulty.ts';
import { runGateway } from '../support/gateway-process.ts';
import { holdfast } from '../support/holdfast-cli.ts';
import { connackOf, openEnrolled, openTlsGateway } from '../support/tls-gateway.ts';
import { tempDir } from '../support/temp-dir.ts';

const NOT_AUTHORIZED = 5;

/** What a device shows that is in this directory. */
async function identityOf(dir: string) {
  const text = await readFile(join(dir, 'identity/enrolment.json'), 'utf8');
  const { ca, certificate: cert } = JSON.parse(text) as { ca: string; certificate: string };
  return { ca, cert, key: await readFile(join(dir, 'identity/device.key'), 'utf8') };
}

const as = { clientId: 'hf-pump-1', username: 'pump-1' };

test('a change of the key that is killed at any moment leaves a device that goes on', async (t) => {
  const { gateway, enroll } = await openTlsGateway(t, { requireCertificate: true });
  const pump = await enroll('pump-1');
  const dir = await tempDir(t);
  const orders = join(dir, 'orders');
  const below = join(pump, 'identity');
  const env = { LD_PRELOAD: await shimIn(dir), FAULT_DIR: below, FAULT_FILE: orders };
  let before = openDeviceKey(pump).publicKey;
  // Before the change is made, after it, after the key, and after what belongs to it.
  for (const [at, isChanged] of [false, true, true, true].entries()) {
    const first = await identityOf(pump);
    await writeFile(orders, `dead 9 ${at}`);

    const { code, stderr } = await holdfast(['enroll', '--new-key', '--data-dir', pump], { env });

    t.is(code, null, stderr);
    const agent = await openEnrolled(t, pump);
    await agent.emit('fact', at);
    await agent.synced();
    await agent.close();
    const known = await gateway.ledger.device('pump-1');
    const own = openDeviceKey(pump).publicKey;
    t.true(known !== undefined && equalBytes(known.publicKey, own), `it is known by that, ${at}`);
    t.is(equalBytes(before, own), !isChanged, `another key, ${at}`);
    before = own;
    const old = await connackOf(gateway.mqttUrl, { ...as, ...first });
    t.is(old, isChanged ? NOT_AUTHORIZED : 0, `the key before, ${at}`);
  }
  t.like(await gateway.ledger.verify(), { entries: 4, faults: [] }, 'under each of the keys');
});

test('a running agent takes another key when told to, here or by the gateway', async (t) => {
  const { gateway, dataDir, enroll, command } = await openTlsGateway(t);
  const pump = await enroll('pump-1');
  const known = async (): Promise<string> => {
    const [last] = (await gateway.ledger.keys('pump-1')).filter((key) => key.revokedAtMs === 0);
    return last?.key ?? '';
  };
  const agent = await openEnrolled(t, pump, { socket: true });
  await agent.emit('fact', 1);
  await agent.synced();
  const first = await known();

  const changed = await holdfast(['enroll', '--new-key', '--data-dir', pump, '-o', 'json']);
  t.is(changed.code, 0, changed.stderr);
  const { key } = JSON.parse(changed.stdout) as { key: string };
  await until('the key of the device', async () => (await known()) === key);
  t.not(key, first);
  await agent.emit('fact', 2);
  await agent.synced();

  // Who may only tell devices what to do does not decide who they are.
  const secret = join(await tempDir(t), 'ops.token');
  await writeFile(secret, await command('token', 'create', 'ops', '--role', 'operator'));
  const at = ['--url', gateway.httpUrl, '--tls-ca', join(dataDir, 'ca/ca.crt')];
  const order = ['command', 'new-key', '--device', 'pump-1', '--command-id'];
  const denied = await runGateway(...order, 'c-0', ...at, '--token-file', secret);
  t.regex(denied.stderr, /HF_ACCESS_DENIED/);

  // The order is kept while there is nobody to ask, over a restart.
  const path = join(pump, 'identity/enrolment.json');
  const enrolment = await readFile(path, 'utf8');
  const api = 'https://127.0.0.1:1';
  await writeFile(path, JSON.stringify({ ...(JSON.parse(enrolment) as object), api }));
  await command(...order, 'c-1');
  const show = async () => (await gateway.ledger.dispatched({ id: 'c-1', limit: 1 })).commands[0];
  await until('the receipt', async () => (await show())?.outcome === 'applied');
  await agent.close();
  t.is(await known(), key);
  await writeFile(path, enrolment);
  const next = await openEnrolled(t, pump);
  await until('another key', async () => (await known()) !== key);
  await next.emit('fact', 3);
  await next.synced();
  t.like(await gateway.ledger.verify(), { faults: [] });
  const shown = new RegExp(`is known by key ${await known()}, since 20`);
  t.regex(await command('devices', 'pump-1'), shown);
  const audit = await command('audit', '--limit', '20');
  t.regex(audit, /device:pump-1 .*device.rotate/);
  t.regex(audit, /token:ops .*command.issue .*denied/);
});
