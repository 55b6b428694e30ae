import { join } from 'node:path';
import { Journal, createStore, sha256, storedEntry, systemClock } from '@holdfast/agent/internal';
import { HASH_BYTES, encodeEntry, type EntryBody } from '@holdfast/protocol';
import { BarePuts } from './bare-puts.ts';
import {
  alternate,
  pairsOf,
  warmUp,
  type Benchmark,
  type Effort,
  type Measured,
} from './benchmark.ts';
import { inScratch } from './scratch.ts';

/**
 * How many entries a second does the journal take, from so many writers that each wait for theirs?
 * The limit: as many callers of bare synced puts of the same bytes.
 */
const body: EntryBody = {
  ...{ kind: 'event.emitted', run: '', n: 0, op: 0, name: 'reading' },
  payload: new Uint8Array(200).fill(7),
};

function rowBytes(): number {
  const stamp = { atMs: systemClock.nowMs(), boot: 1, monoMs: 1_000_000 };
  const entry = encodeEntry({ ...body, ...stamp });
  const hash = new Uint8Array(HASH_BYTES);
  const row = storedEntry('bulk', { seq: 1, hash, bytes: 1, run: 0, entry });
  return row.kind === 'put' ? row.value.byteLength : 0;
}

async function rate(journal: Journal, writers: number, ms: number): Promise<number> {
  let count = 0;
  const startedAt = performance.now();
  const endAt = startedAt + ms;
  const write = async (): Promise<void> => {
    while (performance.now() < endAt) {
      await journal.append([{ lane: 'bulk', body }]);
      count += 1;
    }
  };
  await Promise.all(Array.from({ length: writers }, write));
  return (count * 1_000) / (performance.now() - startedAt);
}

async function measure(writers: number, effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const puts = await BarePuts.open(join(dir, 'bare'));
    const store = await createStore(join(dir, 'store'), []);
    const identity = { device: 'bench-1', epoch: 1, boot: 1 };
    const journal = await Journal.open({ ...identity, clock: systemClock, sha256, store });
    const pairs = pairsOf(effort);
    const ms = effort.ms / (2 * pairs);
    const load = { callers: writers, valueBytes: rowBytes(), ms };
    const ours = (): Promise<number> => rate(journal, writers, ms);
    const limit = (): Promise<number> => puts.rate(load);
    if (!effort.isSmoke) for (const side of [ours, limit]) await warmUp(side);
    const measured = await alternate(pairs, { ours, limit });
    await store.close();
    await puts.close();
    return measured;
  });
}

export const journalAppend: readonly Benchmark[] = [1, 16, 256].map((writers) => ({
  name: `journal-append-${writers}`,
  about: `appends of 200 B, writers: ${writers}; limit: as many callers of bare synced puts`,
  unit: 'entries/s',
  run: (effort) => measure(writers, effort),
}));
