import test from 'ava';
import * as fc from 'fast-check';
import {
  eventId,
  eventNumberIn,
  eventPayload,
  mixedHash,
  signerOf,
  verifySim,
} from '@holdfast/device-sim/internal';
import { encodeEntry, encodeValue } from '@holdfast/protocol';

const hashes = (pieces: readonly Uint8Array[]) =>
  new Set(pieces.map((each) => Buffer.from(mixedHash(each)).toString('hex')));

test('a mixed hash is of 32 bytes, and of all parts together', (t) => {
  const property = fc.property(fc.uint8Array(), fc.uint8Array(), (a, b) => {
    t.is(mixedHash(a).byteLength, 32);
    t.deepEqual(mixedHash(a, b), mixedHash(Uint8Array.of(...a, ...b)));
  });
  fc.assert(property, { numRuns: 200 });
});

test('no bit of what is hashed can flip, nor its length change, without another hash', (t) => {
  for (const length of [0, 1, 3, 4, 32, 97]) {
    const bytes = Uint8Array.from({ length }, (_, index) => (index * 37) & 255);
    const others = Array.from({ length: 8 * length }, (_, bit) => {
      const other = bytes.slice();
      other[bit >> 3] = (other[bit >> 3] ?? 0) ^ (1 << (bit & 7));
      return other;
    });
    others.push(Uint8Array.of(...bytes, 0), bytes);
    t.is(hashes(others).size, others.length, `${length} bytes`);
  }
});

test('each word of a mixed hash tells a hundred thousand numbers apart', (t) => {
  const seen = [new Set<number>(), new Set<number>()];
  for (let number = 0; number < 100_000; number += 1) {
    const hash = mixedHash(Uint8Array.of(number, number >> 8, number >> 16));
    const words = new DataView(hash.buffer);
    seen[0]?.add(words.getUint32(0));
    seen[1]?.add(words.getUint32(28));
  }
  // Of so many random words of 32 bits about one is there twice.
  for (const words of seen) t.true(words.size > 99_980, `${words.size}`);
});

test('a simulated signature is of its bytes and its key', (t) => {
  const [one, other] = [signerOf('one'), signerOf('other')];
  const bytes = Uint8Array.of(1, 2, 3);
  t.true(verifySim(one.publicKey, bytes, one.sign(bytes)));
  t.false(verifySim(one.publicKey, bytes, other.sign(bytes)));
  t.false(verifySim(one.publicKey, Uint8Array.of(1, 2, 4), one.sign(bytes)));
});

test('an event is known by its entry, by the number that its payload says', (t) => {
  const entryOf = (payload: Uint8Array) =>
    encodeEntry({
      ...{ kind: 'event.emitted', atMs: 1_760_000_000_000, boot: 1, monoMs: 90_210 },
      ...{ run: '', n: 0, op: 0, name: 'note', payload },
    });
  for (const number of [1, 9, 10, 4_711, 1_000_000]) {
    const id = eventId(number > 100 ? 'device-with-a-long-name-4' : 'd-1', number);
    t.deepEqual(eventPayload(id), encodeValue({ id }));
    t.is(eventNumberIn(entryOf(eventPayload(id))), number);
  }
  t.is(eventNumberIn(entryOf(encodeValue({ lane: 'urgent', entries: 12 }))), undefined);
  t.is(eventNumberIn(entryOf(encodeValue({ id: '-event-' }))), undefined);
});
