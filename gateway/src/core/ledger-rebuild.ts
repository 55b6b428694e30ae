import { isEventOutsideRuns, type Lane, type OnProgress } from '@holdfast/protocol';
import { readEntry } from './ingest.ts';
import { decodeBlock } from './ledger-block.ts';
import {
  behind,
  blockKey,
  callPlaceKey,
  parseChainKey,
  prefixOf,
  type Chain,
  type Table,
} from './ledger-keys.ts';
import { callPlaceRow, commandRow, epochRow } from './ledger-rows.ts';
import { indexes, makeIndexes } from './ledger-indexes.ts';
import type { LedgerStore } from './ledger-store.ts';
import { rowsOf } from './ledger-verify.ts';
import type { RebuildReport } from './ledger.ts';
import { projectEntries, rowsRead, settleCall } from './projection.ts';

/** What follows from entries, and from what is kept of devices and commands. */
const projections = [
  ...(['run', 'runOrder', 'ownOrder', 'runState'] as const),
  // What was parked is pending again: that it had failed is in no entry.
  ...(['call', 'parked', 'callKey', 'callPlace'] as const),
  ...indexes,
];
/** Rows in memory at a time; a block has up to 560 KiB. */
const BLOCKS_MAX = 16;
const ROWS_MAX = 1_024;

interface BlockPlace extends Chain {
  readonly seqFirst: number;
  readonly receivedAtMs: number;
  /** Of its entries. */
  readonly length: number;
}

/**
 * Derives all projections anew from the entries, in the order in which these arrived. Nobody may
 * write meanwhile; what stopped short is begun again. It keeps about 100 bytes a block in memory.
 */
export async function rebuildProjections(
  store: LedgerStore,
  progress: OnProgress = () => {},
): Promise<RebuildReport> {
  const places = await readPlaces(store);
  const total = places.reduce((sum, place) => sum + place.length, 0);
  for (const table of projections) await deleteAll(store, table);
  let entries = 0;
  for (const place of places) {
    entries += await project(store, place);
    progress(entries, total);
  }
  await settleAnswered(store);
  await makeIndexes(store);
  return { entries, runs: await count(store, 'run'), calls: await count(store, 'call') };
}

/** All blocks by the time they came. */
async function readPlaces(store: LedgerStore): Promise<readonly BlockPlace[]> {
  const places: BlockPlace[] = [];
  for await (const { key, value } of rowsOf(store, prefixOf('block'), BLOCKS_MAX)) {
    const at = parseChainKey(key);
    if (at === undefined) continue;
    const { receivedAtMs, entries } = decodeBlock(value);
    const { seqFirst } = at;
    places.push({ ...at.chain, seqFirst, receivedAtMs, length: entries.length });
  }
  return places.toSorted((a, b) => a.receivedAtMs - b.receivedAtMs || order(a, b));
}

const ranks: Readonly<Record<Lane, number>> = { urgent: 0, normal: 1, bulk: 2 };

/** Those of one moment: lane by lane, and never against their seqs. */
function order(a: BlockPlace, b: BlockPlace): number {
  if (a.device !== b.device) return a.device < b.device ? -1 : 1;
  return a.epoch - b.epoch || ranks[a.lane] - ranks[b.lane] || a.seqFirst - b.seqFirst;
}

async function deleteAll(store: LedgerStore, table: Table): Promise<void> {
  const range = { from: prefixOf(table), to: behind(prefixOf(table)), limit: ROWS_MAX };
  for (;;) {
    const rows = await store.scan(range);
    if (rows.length === 0) return;
    await store.submit({
      devices: [],
      reads: () => [],
      bytes: 64 * rows.length,
      apply: (draft) => {
        for (const { key } of rows) draft.delete(key);
      },
    });
  }
}

/** @returns How many entries it had. */
async function project(store: LedgerStore, place: BlockPlace): Promise<number> {
  const value = await store.get(blockKey(place, place.seqFirst));
  const block = value === undefined ? [] : decodeBlock(value).entries;
  const entries = block.map(({ bytes }) =>
    isEventOutsideRuns(bytes) ? undefined : readEntry(bytes),
  );
  await store.submit({
    devices: [place.device],
    reads: () => rowsRead(place, entries),
    bytes: value?.byteLength ?? 0,
    ordinals: 2 * entries.length,
    apply: (draft) => void projectEntries(draft, place, entries, { isAgain: true }),
  });
  return entries.length;
}

/** A call has its result from the moment that its command was issued. */
async function settleAnswered(store: LedgerStore): Promise<void> {
  for await (const { key, value } of rowsOf(store, prefixOf('command'), ROWS_MAX)) {
    const command = commandRow.decode(value);
    if (command.kind !== 'call.completed' && command.kind !== 'call.failed') continue;
    const device = String.fromCharCode(...key.subarray(1, key.indexOf(0)));
    const { run, op } = command;
    for await (const row of rowsOf(store, prefixOf('epoch', device), ROWS_MAX)) {
      const { epoch } = epochRow.decode(row.value);
      const place = { device, epoch, run, op };
      await store.submit({
        devices: [device],
        reads: () => [callPlaceKey(place)],
        bytes: 256,
        apply: (draft) => {
          const open = draft.get(callPlaceKey(place), callPlaceRow);
          if (open?.key === command.key) settleCall(draft, place, open);
        },
      });
    }
  }
}

async function count(store: LedgerStore, table: Table): Promise<number> {
  let rows = 0;
  for await (const _ of rowsOf(store, prefixOf(table), ROWS_MAX)) rows += 1;
  return rows;
}
