import test from 'ava';
import * as fc from 'fast-check';
import { SortedRows } from '@holdfast/device-sim/internal';
import type { StoreRow } from '@holdfast/protocol';

const unlimited = { limit: Number.POSITIVE_INFINITY };
/** Few keys, so that they meet, of several lengths. */
const anyKey = fc
  .tuple(fc.constantFrom(1, 2), fc.nat(3), fc.nat(255), fc.nat(4))
  .map(([table, lane, seq, left]) => Uint8Array.of(table, lane, 0, seq).subarray(0, 4 - left));
const anyChange = fc.record({
  key: anyKey,
  value: fc.uint8Array({ maxLength: 3 }),
  isGone: fc.boolean(),
});

const textOf = (key: Uint8Array): string => Buffer.from(key).toString('latin1');
const isBefore = (a: StoreRow, b: StoreRow): number => Buffer.compare(a.key, b.key);

test('rows are had in the order of their keys, whatever came and went in which order', (t) => {
  const history = fc.array(anyChange, { maxLength: 1_500, size: 'max' });
  const property = fc.property(history, anyKey, anyKey, fc.nat(20), (changes, from, to, limit) => {
    const rows = new SortedRows();
    const naive = new Map<string, StoreRow>();
    for (const { key, value, isGone } of changes) {
      if (isGone) rows.delete(key);
      else rows.set({ key, value });
      if (isGone) naive.delete(textOf(key));
      else naive.set(textOf(key), { key, value });
    }
    const all = [...naive.values()].toSorted(isBefore);
    const inside = all.filter(
      ({ key }) => Buffer.compare(key, from) >= 0 && Buffer.compare(key, to) < 0,
    );

    t.deepEqual(rows.all(), all);
    t.deepEqual(rows.copy().all(), all);
    t.deepEqual(rows.get(from), naive.get(textOf(from)));
    t.deepEqual(rows.between(from, to, unlimited), inside);
    t.deepEqual(rows.betweenReverse(from, to, unlimited), inside.toReversed());
    t.deepEqual(rows.between(from, to, { limit: limit + 1 }), inside.slice(0, limit + 1));
  });
  fc.assert(property, { numRuns: 60 });
});

test('rows that are written behind each other and deleted from the front stay in order', (t) => {
  const rows = new SortedRows();
  const key = (lane: number, seq: number) => Uint8Array.of(1, lane, seq >> 8, seq & 255);
  for (let seq = 0; seq < 3_000; seq += 1) {
    for (const lane of [0, 1, 2]) rows.set({ key: key(lane, seq), value: Uint8Array.of(lane) });
    if (seq >= 700) for (const lane of [2, 0, 1]) rows.delete(key(lane, seq - 700));
  }

  const found = rows.between(key(1, 0), key(2, 0), unlimited);
  t.is(rows.all().length, 2_100);
  t.deepEqual(
    found.map((row) => row.key),
    Array.from({ length: 700 }, (_, index) => key(1, 2_300 + index)),
  );
});
