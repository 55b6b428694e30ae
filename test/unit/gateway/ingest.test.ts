import { createHash } from 'node:crypto';
import test from 'ava';
import { prepareBatch, readEntry } from '@holdfast/gateway/internal';
import {
  NO_BYTES,
  chainNext,
  chainStart,
  encodeEntry,
  encodeValue,
  isEventOutsideRuns,
  placeInRun,
  type Entry,
  type Sha256,
} from '@holdfast/protocol';

const sha256: Sha256 = (...parts) => {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(part);
  return new Uint8Array(hash.digest());
};

const stamps = [
  { atMs: 0, boot: 1, monoMs: 0 },
  { atMs: Date.parse('2026-03-01T12:00:00Z'), boot: 300, monoMs: 70_000 },
  { atMs: Date.parse('2026-03-01T12:00:00Z'), boot: 100_000, monoMs: 2 ** 40 },
];

function event(stamp: (typeof stamps)[number], run: string, payload: unknown): Entry {
  const encoded = encodeValue(payload);
  return { kind: 'event.emitted', ...stamp, run, n: 0, op: 0, name: 'reading', payload: encoded };
}

test('an event outside runs is told from its first bytes, whatever its times', (t) => {
  for (const stamp of stamps) {
    t.true(isEventOutsideRuns(encodeEntry(event(stamp, '', { grams: 4 }))));
    t.false(isEventOutsideRuns(encodeEntry(event(stamp, 'run-1', { grams: 4 }))));
    const receipt = { command: 7, outcome: 'applied', reason: '', key: '' } as const;
    t.false(isEventOutsideRuns(encodeEntry({ kind: 'command.receipt', ...stamp, ...receipt })));
  }
  t.false(isEventOutsideRuns(NO_BYTES));
  t.false(isEventOutsideRuns(Uint8Array.of(0x89)));
});

test('the place of an entry in its run is told from its first bytes, if it has one', (t) => {
  for (const stamp of stamps) {
    for (const run of ['r', 'run-1'.padEnd(128, '-')]) {
      for (const n of [0, 23, 24, 255, 256, 2 ** 16, 2 ** 32, 2 ** 40]) {
        const encoded = encodeEntry({ ...event(stamp, run, 1), n } as Entry);
        t.is(placeInRun(encoded), n);
        t.is(placeInRun(encoded.subarray(0, 4)), undefined);
      }
    }
    const receipt = { command: 7, outcome: 'applied', reason: '', key: '' } as const;
    t.is(placeInRun(encodeEntry({ kind: 'command.receipt', ...stamp, ...receipt })), undefined);
  }
  t.is(placeInRun(NO_BYTES), undefined);
  t.is(placeInRun(new Uint8Array(40).fill(255)), undefined);
});

test('a batch gives what may be projected, and leaves events outside runs as they are', (t) => {
  const [stamp = { atMs: 0, boot: 1, monoMs: 0 }] = stamps;
  const ofRun = encodeEntry(event(stamp, 'run-1', { grams: 4 }));
  const outside = encodeEntry(event(stamp, '', { grams: 4 }));
  const chain = { device: 'pump-1', epoch: 1, lane: 'bulk' } as const;
  const previousHash = chainStart(sha256, chain);

  const entries = [ofRun, outside, Uint8Array.of(0x81, 0x18, 0xff)];
  const hash = entries.reduce((before, entry) => chainNext(sha256, before, entry), previousHash);
  const batch = { ...chain, seqFirst: 1, previousHash, hash, entries, receivedAtMs: 0 };
  const prepared = prepareBatch(batch, sha256);

  t.deepEqual(prepared.entries, [readEntry(ofRun), undefined, undefined]);
});

test('the chain hashes the hash before and the bytes, short or long', (t) => {
  const previous = sha256(NO_BYTES);
  for (const length of [0, 1, 200, 4_063, 4_064, 4_065, 50_000]) {
    const entry = new Uint8Array(length).fill(length % 251);
    t.deepEqual(chainNext(sha256, previous, entry), sha256(previous, entry));
  }
});
