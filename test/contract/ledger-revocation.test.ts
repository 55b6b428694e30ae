import test from 'ava';
import { sha256, type Ledger } from '@holdfast/gateway/internal';
import { NO_BYTES, hex, keyNameOf } from '@holdfast/protocol';
import { HandJournal, newSigner } from '../support/hand-journal.ts';
import { ledgers } from '../support/ledgers.ts';

const [publicKey, other] = [newSigner().publicKey, newSigner().publicKey];
const [key, otherKey] = [publicKey, other].map((each) => keyNameOf(sha256, each));
const [device, atMs] = ['d1', 1_000];

const text = (bytes: Uint8Array = NO_BYTES): string => hex(bytes);

const greet = (ledger: Ledger, more: object = {}) =>
  ledger.greet({ device, epoch: 1, publicKey, atMs, ...more });

const note = (ledger: Ledger, of: string | undefined, serial: number, toMs: number) => {
  const certificate = { serial: Uint8Array.of(serial), toMs };
  return ledger.noteCertificate({ device, key: of ?? '', certificate, atMs });
};

const serials = async (ledger: Ledger, now: number) =>
  (await ledger.revokedCertificates(now)).map(({ serial, ...rest }) => [serial[0], rest]);

for (const [name, open] of Object.entries(ledgers)) {
  test(`${name}: a device that was revoked is known by no key, until one is awaited`, async (t) => {
    const { ledger, next } = await open(t);
    const journal = new HandJournal(device).facts('normal', 2);
    t.is(await ledger.revokeKey({ device, atMs: 2_000 }), undefined, 'never seen');
    await greet(ledger);
    const taken = { ...journal.ingest('normal', 1, 2), publicKey };

    await ledger.revokeKey({ device, atMs: 2_000 });
    await ledger.revokeKey({ device, atMs: 3_000 });

    const again = await next();
    const record = await again.device(device);
    t.is(record?.publicKey.byteLength, 0);
    t.is(text(record?.revokedKey), text(publicKey));
    t.like(await again.ingest(taken), { kind: 'unknown' }, 'what was on its way is not taken');
    t.is((await greet(again, { epoch: 2 })).epoch, 1, 'nor is its hello');
    t.like((await again.keys(device))[0], { key, revokedAtMs: 2_000 });

    await again.awaitKey({ device, key: otherKey ?? '', atMs: 4_000 });
    const anew = await greet(again, { publicKey: other, epoch: 2, atMs: 5_000 });
    t.is(text(anew.publicKey), text(other));
    t.is(text(anew.revokedKey), text(publicKey));
    t.is(anew.epoch, 2);
  });

  test(`${name}: a device that was revoked by mistake counts again by its own key`, async (t) => {
    const { ledger } = await open(t);
    await greet(ledger);
    await ledger.revokeKey({ device, atMs: 2_000 });
    await ledger.awaitKey({ device, key: key ?? '', atMs: 3_000 });

    const record = await greet(ledger, { atMs: 4_000 });

    t.is(text(record.publicKey), text(publicKey));
    t.is(record.revokedKey.byteLength, 0);
    t.like((await ledger.keys(device))[0], { key, revokedAtMs: 0 });
  });

  test(`${name}: certificates of keys that count no more are told until they expire`, async (t) => {
    const { ledger, next } = await open(t);
    await greet(ledger);
    for (let serial = 1; serial <= 9; serial += 1) await note(ledger, key, serial, 50_000);
    t.deepEqual(await serials(ledger, 2_000), [], 'its key counts');

    t.deepEqual(await ledger.firstToExpire(), { device, toMs: 50_000 });
    t.is((await ledger.keys(device))[0]?.certificateToMs, 50_000);
    await ledger.revokeKey({ device, atMs: 2_000 });
    t.is(await ledger.firstToExpire(), undefined, 'it needs none any more');
    await ledger.awaitKey({ device, key: otherKey ?? '', atMs: 3_000 });
    await note(ledger, otherKey, 20, 9_000);

    const again = await next();
    const told = { toMs: 50_000, revokedAtMs: 2_000 };
    t.deepEqual(
      await serials(again, 4_000),
      [2, 3, 4, 5, 6, 7, 8, 9].map((serial) => [serial, told]),
    );
    await again.revokeKey({ device, atMs: 5_000 });
    t.is((await serials(again, 6_000)).length, 9, 'also of a key that never came');
    t.is((await serials(again, 10_000)).length, 8);
    t.deepEqual(await serials(again, 50_000), []);
  });
}
