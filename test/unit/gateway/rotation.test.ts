import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import {
  AccessBook,
  AuditLog,
  Certifier,
  OwnAccessStore,
  Rotation,
  createVerify,
  newAccessRow,
  openLevelLedger,
  sha256,
} from '@holdfast/gateway/internal';
import { equalBytes, hex, keyNameOf, rotateStatement, type Signer } from '@holdfast/protocol';
import test, { type ExecutionContext } from 'ava';
import { newSigner } from '../../support/pairing.ts';
import { SimStore } from '../../support/sim-store.ts';
import { tempDir } from '../../support/temp-dir.ts';

async function open(t: ExecutionContext) {
  const ledger = await openLevelLedger(join(await tempDir(t), 'ledger'), { sha256, isNew: true });
  t.teardown(() => ledger.close());
  const store = new SimStore();
  await store.write([{ kind: 'put', ...newAccessRow() }]);
  const book = new AccessBook(await OwnAccessStore.open(store));
  const clock = { nowMs: () => 1_000 };
  const gateway = newSigner();
  const issue = () => ({ pem: 'PEM', serial: Uint8Array.of(1), toMs: 9_000_000 });
  const rotation = new Rotation({
    ...{ book, ledger, sha256, clock, signer: gateway, verify: createVerify(), ca: () => null },
    certifier: new Certifier({ issue, ledger, sha256, clock }),
    audit: new AuditLog(book, { clock, randomBytes }),
    rekeyed: () => {},
  });
  const greet = (by: Signer) =>
    ledger.greet({ device: 'pump-1', epoch: 1, publicKey: by.publicKey, atMs: 2_000 });
  const ask = (by: Signer, next: Signer, forged: { readonly proof?: string } = {}) => {
    const nonce = randomBytes(16);
    const change = { nonce, next: next.publicKey, gatewayKey: gateway.publicKey };
    const statement = rotateStatement('pump-1', change);
    return {
      ...{ device: 'pump-1', publicKey: hex(by.publicKey), next: hex(next.publicKey) },
      ...{ nonce: hex(nonce), from: '192.0.2.1', signature: hex(by.sign(statement)) },
      ...{ proof: hex(next.sign(statement)), ...forged },
    };
  };
  const isKnownBy = async ({ publicKey }: Signer): Promise<boolean> =>
    equalBytes((await ledger.device('pump-1'))?.publicKey ?? publicKey.slice(1), publicKey);
  return { ledger, rotation, greet, ask, isKnownBy };
}

const refused = { code: 'HF_RENEWAL_REFUSED' };

test('both keys count until the device has greeted with the next one', async (t) => {
  const { ledger, rotation, greet, ask, isKnownBy } = await open(t);
  const [a, b] = [newSigner(), newSigner()];
  await greet(a);

  t.like(await rotation.rotate(ask(a, b)), { device: 'pump-1', certificate: 'PEM' });
  t.true(await isKnownBy(a));
  await greet(a);
  t.true(await isKnownBy(a), 'the answer was lost, and the device goes on');
  t.like(await rotation.rotate(ask(a, b)), { device: 'pump-1' }, 'it asks again');
  await greet(b);

  t.true(await isKnownBy(b));
  await greet(a);
  t.true(await isKnownBy(b), 'the one before counts no more');
  const keys = await ledger.keys('pump-1');
  const revoked = keys.filter(({ revokedAtMs }) => revokedAtMs > 0).map(({ key }) => key);
  t.deepEqual([keys.length, revoked], [2, [keyNameOf(sha256, a.publicKey)]]);
  t.like(await rotation.rotate(ask(a, b)), { device: 'pump-1' }, 'asked again, nothing changes');
  t.is((await ledger.device('pump-1'))?.awaitedKey, '');
});

test('nobody but the known key vouches for another one, and none comes back', async (t) => {
  const { ledger, rotation, greet, ask, isKnownBy } = await open(t);
  const [a, b, c, eve] = [newSigner(), newSigner(), newSigner(), newSigner()];
  await t.throwsAsync(rotation.rotate(ask(a, b)), refused, 'a device that nobody knows');
  await greet(a);

  const forged = ask(eve, b);
  await t.throwsAsync(rotation.rotate(forged), refused, 'another key');
  const stolen = { ...ask(a, b), next: hex(eve.publicKey) };
  await t.throwsAsync(rotation.rotate(stolen), refused, 'another next key');
  const other = { ...ask(a, b), device: 'pump-2' };
  await t.throwsAsync(rotation.rotate(other), refused, 'another device');
  await t.throwsAsync(rotation.rotate(ask(a, b, { proof: forged.proof })), refused, 'no proof');
  t.is((await ledger.device('pump-1'))?.awaitedKey, '');

  const [ab, bc] = [ask(a, b), ask(b, c)];
  await rotation.rotate(ab);
  await greet(b);
  await rotation.rotate(bc);
  await greet(c);
  await t.throwsAsync(rotation.rotate(ab), refused, 'a request of long ago');
  await t.throwsAsync(rotation.rotate(ask(c, a)), refused, 'a key that counted before');
  t.true(await isKnownBy(c));
  await ledger.revokeKey({ device: 'pump-1', atMs: 3_000 });
  await t.throwsAsync(rotation.rotate(ask(c, eve)), { code: 'HF_DEVICE_REVOKED' });
});

test('a ledger that was set back learns the key by what vouched for it', async (t) => {
  const { ledger, rotation, greet, ask, isKnownBy } = await open(t);
  const [a, b, c] = [newSigner(), newSigner(), newSigner()];
  const kept = [ask(a, b), ask(b, c)] as const;
  await greet(a);
  await greet(c);
  t.true(await isKnownBy(a), 'as it was in the backup');

  for (const each of kept) await rotation.rotate(each);
  await greet(c);

  t.true(await isKnownBy(c));
  const name = keyNameOf(sha256, b.publicKey);
  const between = (await ledger.keys('pump-1')).find(({ key }) => key === name);
  t.true((between?.revokedAtMs ?? 0) > 0, 'the one between them counts no more either');
});
