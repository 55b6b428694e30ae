import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { X509Certificate } from 'node:crypto';
import { openDeviceKey, openGatewayPin } from '@holdfast/agent/internal';
import { CaStore, newKey, publicKeyOf, systemClock } from '@holdfast/gateway/internal';
import { connectStatement, writeConnectProof } from '@holdfast/protocol';
import test from 'ava';
import { connackOf, openEnrolled, openTlsGateway } from '../support/tls-gateway.ts';
import { tempDir } from '../support/temp-dir.ts';

const NOT_AUTHORIZED = 5;

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

test('an enrolled device connects by its certificate, and nobody else does', async (t) => {
  const { gateway, enroll, dataDir } = await openTlsGateway(t, { requireCertificate: true });
  const [pump, other] = [await enroll('pump-1'), await enroll('pump-2')];
  const agent = await openEnrolled(t, pump);
  await agent.emit('fact', 1);
  await agent.synced();

  const { certificate } = await enrolmentOf(pump);
  const { subject, validTo, validFrom } = new X509Certificate(certificate);
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
