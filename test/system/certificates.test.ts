import { X509Certificate, generateKeyPairSync } from 'node:crypto';
import { once } from 'node:events';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { dirname, join } from 'node:path';
import { connect } from 'node:tls';
import { fileURLToPath } from 'node:url';
import {
  enrollDevice,
  openDeviceKey,
  openGatewayPin,
  renewCertificate,
} from '@holdfast/agent/internal';
import { until } from '@holdfast/device-sim';
import {
  CaStore,
  newKey,
  publicKeyOf,
  systemClock,
  type RevocationsView,
} from '@holdfast/gateway/internal';
import {
  connectStatement,
  readEnrolToken,
  writeConnectProof,
  writeEnrolToken,
} from '@holdfast/protocol';
import test from 'ava';
import { runGateway, serveGateway } from '../support/gateway-process.ts';
import { holdfast, startHoldfast } from '../support/holdfast-cli.ts';
import { connackOf, openEnrolled, openTlsGateway } from '../support/tls-gateway.ts';
import { tempDir } from '../support/temp-dir.ts';

const NOT_AUTHORIZED = 5;
const DAY_MS = 86_400_000;
const REFUSED = 'HF_BROKER_REFUSED';

/** Whether who listens there is believed by this authority. */
function showing(at: { readonly host: string; readonly port: number }, ca: string) {
  return new Promise<{ readonly authorized: boolean }>((resolve, reject) => {
    const socket = connect({ ...at, ca, servername: 'localhost' }, () => {
      resolve({ authorized: socket.authorized });
      socket.destroy();
    });
    socket.on('error', reject);
  });
}

async function enrolmentOf(dir: string) {
  const text = await readFile(join(dir, 'identity/enrolment.json'), 'utf8');
  return JSON.parse(text) as { ca: string; certificate: string; gateway: string };
}

/** What a device shows that is in this directory. */
async function identityOf(dir: string) {
  const { ca, certificate: cert } = await enrolmentOf(dir);
  return { ca, cert, key: await readFile(join(dir, 'identity/device.key'), 'utf8') };
}

function proofOf(dir: string, device: string): string {
  const signer = openDeviceKey(dir);
  const gatewayKey = openGatewayPin(dir).load() ?? signer.publicKey;
  const signature = signer.sign(connectStatement(device, gatewayKey));
  return writeConnectProof({ publicKey: signer.publicKey, signature });
}

/** A certificate of this gateway that expired a day ago, for the key of a device. */
async function expired(gatewayDir: string, deviceDir: string, device: string): Promise<string> {
  const clock = { nowMs: () => Date.now() - 3 * DAY_MS };
  const { authority } = await CaStore.open(gatewayDir, clock);
  const { publicKey } = openDeviceKey(deviceDir);
  return authority.issue({ name: device, publicKey, use: 'client', lifeMs: 2 * DAY_MS }).pem;
}

async function giveCertificate(dir: string, certificate: string): Promise<void> {
  const path = join(dir, 'identity/enrolment.json');
  await writeFile(path, JSON.stringify({ ...(await enrolmentOf(dir)), certificate }));
}

test('a certificate that has expired is renewed by the key alone', async (t) => {
  const { gateway, enroll, dataDir } = await openTlsGateway(t, { requireCertificate: true });
  const pump = await enroll('pump-1');
  const old = await expired(dataDir, pump, 'pump-1');
  await giveCertificate(pump, old);
  const as = { clientId: 'hf-pump-1', username: 'pump-1' };
  const shown = await identityOf(pump);
  t.is(await connackOf(gateway.mqttUrl, { ...as, ...shown }), NOT_AUTHORIZED, 'it has expired');
  const doctor = await holdfast(['doctor', '--data-dir', pump, '-o', 'json']);
  const { findings } = JSON.parse(doctor.stdout) as { findings: { check: string; text: string }[] };
  const found = findings.map(({ check, text }) => `${check}: ${text}`);
  t.true(found.includes('certificate: the one of this device expired 1d ago'), doctor.stdout);

  const agent = await openEnrolled(t, pump);
  await agent.emit('fact', 1);
  await agent.synced();

  const { certificate } = await enrolmentOf(pump);
  t.not(certificate, old);
  t.true(Date.parse(new X509Certificate(certificate).validTo) > Date.now());
});

test('a renewal is believed for the signature of the gateway alone', async (t) => {
  const { enroll } = await openTlsGateway(t);
  const pump = await enroll('pump-1');
  const before = await enrolmentOf(pump);
  const { certificate, ca } = before;
  const answer = { certificate, ca, at: new Date().toISOString(), signature: '00'.repeat(64) };
  const rogue = createServer((_request, response) => response.end(JSON.stringify(answer)));
  t.teardown(() => rogue.close());
  await once(rogue.listen(0, '127.0.0.1'), 'listening');
  const { port } = rogue.address() as AddressInfo;
  const path = join(pump, 'identity/enrolment.json');
  await writeFile(path, JSON.stringify({ ...before, api: `http://127.0.0.1:${port}` }));

  await t.throwsAsync(renewCertificate(pump), { code: 'HF_GATEWAY_UNTRUSTED' });
});

test('a token is good for the gateway alone whose authority it names', async (t) => {
  const [one, two] = [await openTlsGateway(t), await openTlsGateway(t)];
  const device = join(await tempDir(t), 'pump');
  const made = await one.command('enroll', 'create', '--device', 'pump-1');
  const token = readEnrolToken(made);
  if (token === undefined) return t.fail(made);

  const wrong = [{ url: two.gateway.httpUrl }, { certificate: '0'.repeat(64) }];
  for (const part of wrong) {
    const diverted = enrollDevice(device, writeEnrolToken({ ...token, ...part }));
    await t.throwsAsync(diverted, { code: 'HF_GATEWAY_UNTRUSTED' });
  }
  t.is((await enrollDevice(device, made)).device, 'pump-1', 'the token was told to nobody else');
});

test('another authority takes the place of a stolen one, and devices follow', async (t) => {
  const { gateway, enroll, command } = await openTlsGateway(t, { requireCertificate: true });
  const [pump, other] = [await enroll('pump-1'), await enroll('pump-2')];
  const before = await enrolmentOf(pump);
  const named = { host: '127.0.0.1', port: Number(new URL(gateway.mqttUrl).port) };

  await command('ca', 'rotate', '--yes');
  const agent = await openEnrolled(t, other);
  await agent.emit('fact', 1);
  await agent.synced();
  t.is((await enrolmentOf(other)).ca, before.ca, 'the old one certifies the new one');
  await command('ca', 'rotate', '--yes', '--distrust');
  const follower = await openEnrolled(t, pump);
  await follower.emit('fact', 1);
  await follower.synced();

  const after = await enrolmentOf(pump);
  t.not(after.ca, before.ca);
  t.is(after.ca.match(/BEGIN/g)?.length, 1, 'only the newest is trusted');
  const shown = await showing(named, after.ca);
  t.true(shown.authorized);
});

test('a device that was revoked is cut off at once, and may be enrolled anew', async (t) => {
  const { gateway, enroll, command } = await openTlsGateway(t);
  const pump = await enroll('pump-1');
  const agent = await openEnrolled(t, pump);
  await agent.emit('fact', 1);
  await agent.synced();

  await t.throwsAsync(command('revoke', 'pump-1'), { message: /--confirm pump-1/ });
  await command('revoke', 'pump-1', '--confirm', 'pump-1');

  const { code } = await until('the end', async () => (await agent.status()).link.problem ?? false);
  t.regex(code, /^HF_(BROKER_REFUSED|LINK_LOST|DEVICE_REVOKED)$/);
  await until('a refusal', async () => {
    return (await agent.status()).link.problem?.code === 'HF_BROKER_REFUSED';
  });
  const { certificate, ...shown } = { ...(await identityOf(pump)), certificate: '' };
  t.is(certificate, '');
  const as = { clientId: 'hf-pump-1', username: 'pump-1', password: proofOf(pump, 'pump-1') };
  t.is(await connackOf(gateway.mqttUrl, { ...as, ...shown }), NOT_AUTHORIZED);
  await t.throwsAsync(renewCertificate(pump), { code: 'HF_DEVICE_REVOKED' });
  const { count, crl } = JSON.parse(await command('ca', 'crl', '-o', 'json')) as RevocationsView;
  t.is(count, 1);
  t.regex(crl, /^-----BEGIN X509 CRL-----/);
  await agent.close();

  // Its card was written anew: another key under the same name.
  const anew = join(pump, '../anew');
  await enrollDevice(anew, await command('enroll', 'create', '--device', 'pump-1'));
  const first = await openEnrolled(t, anew);
  t.regex((await first.failed).code, /^HF_(JOURNAL_REWOUND|CHAIN_BROKEN)$/);
  await first.close();
  const next = await openEnrolled(t, anew);
  await next.emit('fact', 2);
  await next.synced();
  const known = await gateway.ledger.device('pump-1');
  t.is(known?.epoch, 2, 'it goes on in a new life');
  const old = await openEnrolled(t, pump);
  await until('still refused', async () => (await old.status()).link.problem?.code === REFUSED);
});

test('a device without a token is let in by what it shows', async (t) => {
  const { gateway, command } = await openTlsGateway(t, { requireCertificate: true });
  const dir = join(await tempDir(t), 'pump');
  const { port } = new URL(gateway.httpUrl);
  const asked = ['enroll', '--data-dir', dir, '--device', 'pump-1', '-o', 'json'];
  const waiting = startHoldfast(t, [...asked, '--gateway', `https://localhost:${port}`]);
  const look = async () => /Code (\S+), words: (.+)/.exec(waiting.stderr()) ?? undefined;
  const [, code = '', said = ''] = await until('a code', look);

  t.regex(await command('pair', 'ls'), new RegExp(`${code} +pump-1 +127.0.0.1 +no`));
  const wrong = command('pair', 'approve', code, '--words', 'acid acorn acre');
  await t.throwsAsync(wrong, { message: /stands between/ });
  await command('pair', 'approve', code, '--words', said);

  const told = JSON.parse(await waiting.nextLine()) as { readonly roundTripMs?: number };
  t.like(told, { device: 'pump-1', gateway: gateway.mqttUrl });
  t.is(typeof told.roundTripMs, 'number', 'it was tried, over TLS, to the gateway and back');
  const agent = await openEnrolled(t, dir);
  await agent.emit('fact', 1);
  await agent.synced();
});

test('an enrolled device connects by its certificate, and nobody else does', async (t) => {
  const { gateway, enroll, dataDir } = await openTlsGateway(t, { requireCertificate: true });
  const [pump, other] = [await enroll('pump-1'), await enroll('pump-2')];
  const agent = await openEnrolled(t, pump);
  await agent.emit('fact', 1);
  await agent.synced();

  const { certificate } = await enrolmentOf(pump);
  const { subject, validTo, validFrom } = new X509Certificate(certificate);
  const told = (await agent.status()).certificate;
  t.is(Date.parse(told?.expiresAt ?? ''), Date.parse(validTo), 'status says it');
  t.is(subject, 'CN=pump-1');
  t.true(Date.parse(validTo) - Date.now() > 3_600 * 86_400_000);
  t.is(Date.parse(validFrom), 0, 'a device may boot in 1970');
  t.is((await stat(join(dataDir, 'ca/ca.pem'))).mode & 0o777, 0o600);

  const url = gateway.mqttUrl;
  const [own, others] = [await identityOf(pump), await identityOf(other)];
  const as = (device: string) => ({ clientId: `hf-${device}`, username: device });
  t.is(await connackOf(url, { ...as('pump-2'), ...others }), 0);
  t.is(await connackOf(url, { ...as('pump-1'), ...others }), NOT_AUTHORIZED, 'a neighbour');
  const { ca } = own;
  const password = proofOf(pump, 'pump-1');
  t.is(await connackOf(url, { ...as('pump-1'), ca, password }), NOT_AUTHORIZED, 'no certificate');
  const strange = (await CaStore.open(await tempDir(t), systemClock)).authority;
  const { key, pem } = newKey();
  const order = { name: 'pump-1', publicKey: publicKeyOf(key), use: 'client' } as const;
  const forged = strange.issue({ ...order, lifeMs: 3_600_000 });
  const shown = { ca, cert: forged.pem, key: pem };
  t.is(await connackOf(url, { ...as('pump-1'), ...shown }), NOT_AUTHORIZED, 'another authority');
  t.is(await connackOf(url, { ...as('pump-1'), ...own }), 0);
});

/** A key of the other kind, where a program looks for its own. */
async function giveEd25519(path: string): Promise<Buffer> {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  await writeFile(path, privateKey.export({ type: 'pkcs8', format: 'pem' }), { mode: 0o600 });
  return publicKey.export({ type: 'spki', format: 'der' });
}

test('processes with Ed25519 keys enrol, show certificates, and sign both ways', async (t) => {
  const dir = await tempDir(t);
  const [dataDir, pump, token] = [join(dir, 'gateway'), join(dir, 'pump'), join(dir, 'token')];
  const gatewayKey = await giveEd25519(join(dataDir, 'identity/gateway.key'));
  const deviceKey = await giveEd25519(join(pump, 'identity/device.key'));
  const required = ['--enrollment', 'required', '--require-certificate'];
  await serveGateway(t, dataDir, '--tls-name', 'localhost', ...required);
  const made = await runGateway('enroll', 'create', '--device', 'pump-1', '--data-dir', dataDir);
  await writeFile(token, made.stdout);
  const home = ['--data-dir', pump];
  const enrolled = await holdfast(['enroll', ...home, '--token-file', token]);
  t.is(enrolled.code, 0, enrolled.stderr);
  const { certificate } = await enrolmentOf(pump);
  const shown = new X509Certificate(certificate).publicKey;
  t.deepEqual(shown.export({ type: 'spki', format: 'der' }), deviceKey);

  const code = fileURLToPath(new URL('../support/storm-flows.js', import.meta.url));
  const own = ['--device', 'pump-1', '--code', code];
  const running = startHoldfast(t, ['run', ...home, ...own, '-o', 'json']);
  await running.nextLine();
  await holdfast(['emit', 'fact', '{"n":1}', ...home]);
  const told = ['command', 'set', 'valve', '"open"', '--device', 'pump-1', '--data-dir', dataDir];
  t.is((await runGateway(...told, '--command-id', 'c-1')).code, 0);
  const show = ['command', 'show', 'c-1', '--data-dir', dataDir, '-o', 'json'];
  await until('the receipt', async () => /"applied":1/.test((await runGateway(...show)).stdout));

  const synced = await holdfast(['wait', '--synced', ...home]);
  t.is(synced.code, 0, synced.stderr);
  t.deepEqual(openGatewayPin(pump).load(), gatewayKey);
  const verified = await runGateway('ledger', 'verify', '--data-dir', dataDir, '-o', 'json');
  t.like(JSON.parse(verified.stdout), { whole: true, entries: 2 });
});
