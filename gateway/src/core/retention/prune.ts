import { equalBytes, type Entry, type StoreRow } from '@holdfast/protocol';
import { readEntry } from '../ingest.ts';
import { decodeBlock, encodeBlock, type Block } from '../ledger-block.ts';
import { contentsAt, erasableIn, type Place } from '../ledger-contents.ts';
import type { Draft } from '../ledger-draft.ts';
import {
  behind,
  blockKey,
  blocksOf,
  callKeyKey,
  contentKey,
  holeKey,
  ordinalOf,
  parseChainKey,
  prefixOf,
  runKey,
  subjectKey,
  type Chain,
} from '../ledger-keys.ts';
import { holeAt } from '../ledger-reads.ts';
import { callStateRow, holeRow, runRow, type ContentRow, type RunRow } from '../ledger-rows.ts';
import { forgetOrders } from '../ledger-runs.ts';
import type { LedgerStore } from '../ledger-store.ts';
import { rowsOf } from '../ledger-verify.ts';
import type { DeviceRecord } from '../ledger.ts';
import { cutBlock, type CutRange } from './cut-block.ts';
import { keepsOf, type Keeps, type RetentionRule } from './rules.ts';

/** What a look over the ledger took out of it. */
export interface Pruned {
  readonly entries: number;
  readonly bytes: number;
  readonly runs: number;
  /** Commands that were answered, with what became of them. */
  readonly commands: number;
}

export const nothingPruned: Pruned = { entries: 0, bytes: 0, runs: 0, commands: 0 };

interface Pruning {
  readonly store: LedgerStore;
  readonly record: DeviceRecord;
  readonly keeps: Keeps;
  readonly nowMs: number;
}

const ended: ReadonlySet<string> = new Set(['completed', 'failed', 'cancelled']);
/** Rows in memory at a time; a block has up to 560 KiB. */
const BLOCKS_MAX = 16;
const RUNS_MAX = 256;

/**
 * Takes out of one device's entries what has been kept for long enough: those of runs that have
 * ended and of which nothing came for so long, and those outside of runs. In their place stay
 * holes with the hashes of the chain at both ends. A cut in the middle is gone on with.
 */
export async function pruneDevice(
  store: LedgerStore,
  record: DeviceRecord,
  { rules, nowMs }: { readonly rules: readonly RetentionRule[]; readonly nowMs: number },
): Promise<Pruned> {
  const pruning = { store, record, keeps: keepsOf(rules, record.tags), nowMs };
  const shortest = Math.min(...rules.map(({ keepMs }) => keepMs));
  let pruned = nothingPruned;
  for await (const { key } of rowsOf(store, prefixOf('position', record.device), RUNS_MAX)) {
    const chain = parseChainKey(key)?.chain;
    if (chain === undefined) continue;
    for await (const row of rowsOf(store, blocksOf(chain), BLOCKS_MAX)) {
      const block = decodeBlock(row.value);
      // What is behind it came later.
      if (block.receivedAtMs > nowMs - shortest) break;
      pruned = sum(pruned, await pruneBlock(pruning, chain, row, block));
    }
  }
  // Not before: they say which entries go, and a cut in the middle would forget it.
  return { ...pruned, runs: await pruneRuns(pruning) };
}

export function sum(a: Pruned, b: Pruned): Pruned {
  return {
    ...{ entries: a.entries + b.entries, bytes: a.bytes + b.bytes },
    ...{ runs: a.runs + b.runs, commands: a.commands + b.commands },
  };
}

async function pruneBlock(
  pruning: Pruning,
  chain: Chain,
  row: StoreRow,
  block: Block,
): Promise<Pruned> {
  const { store, record } = pruning;
  const entries = block.entries.map(({ bytes }) => readEntry(bytes));
  const runs = await runsOf(pruning, entries);
  const isGone = entries.map((entry) => isOver(pruning, entry, { runs, block }));
  if (!isGone.includes(true)) return nothingPruned;
  const { kept, gone } = cutBlock(ordinalOf(row.key), block, isGone);
  const going = entries.flatMap((entry, index) => {
    return isGone[index] === true && entry !== undefined ? [{ entry, index }] : [];
  });
  const sealed = await sealedPlaces(store, chain, ordinalOf(row.key), going);
  const calls = going.flatMap(({ entry }) =>
    entry.kind === 'call.requested' ? [callKeyKey({ ...chain, key: entry.key })] : [],
  );
  const before = await holeAt(store, chain, (gone[0]?.seqFirst ?? 1) - 1);
  await store.submit({
    ...{ devices: [record.device], bytes: row.value.byteLength, rewrites: true },
    reads: () => [row.key, ...calls],
    apply: (draft) => {
      // Another one has been here.
      if (!draft.holds(row.key, row.value)) return;
      draft.delete(row.key);
      for (const each of kept) draft.put(blockKey(chain, each.seqFirst), encodeBlock(each.block));
      gone.forEach((range, index) => {
        putHole(draft, chain, { range, block, entries, before: index === 0 ? before : undefined });
      });
      for (const key of calls) if (draft.get(key, callStateRow)?.answered === 1) draft.delete(key);
      for (const { place, content } of sealed) forget(draft, place, content);
    },
  });
  const bytes = gone.reduce((total, range) => total + range.bytes, 0);
  return { ...nothingPruned, entries: isGone.filter(Boolean).length, bytes };
}

type Runs = ReadonlyMap<string, RunRow>;

async function runsOf(
  { store, record }: Pruning,
  entries: readonly (Entry | undefined)[],
): Promise<Runs> {
  const names = [...new Set(entries.map(runOf))].filter((run) => run !== '');
  if (names.length === 0) return new Map();
  const rows = await store.getMany(names.map((run) => runKey(record.device, run)));
  return new Map(
    rows.flatMap((row, index): [string, RunRow][] => {
      const run = names[index];
      return row === undefined || run === undefined ? [] : [[run, runRow.decode(row)]];
    }),
  );
}

function runOf(entry: Entry | undefined): string {
  return entry !== undefined && 'run' in entry ? entry.run : '';
}

function isOver(
  pruning: Pruning,
  entry: Entry | undefined,
  { runs, block }: { readonly runs: Runs; readonly block: Block },
): boolean {
  const row = runs.get(runOf(entry));
  if (row !== undefined) return isRunOver(pruning, row);
  const { keeps, nowMs } = pruning;
  return block.receivedAtMs + keeps(undefined) <= nowMs;
}

function isRunOver({ keeps, nowMs }: Pruning, row: RunRow): boolean {
  return ended.has(row.state) && row.receivedAtMs + keeps(row.workflow) <= nowMs;
}

interface SealedGone {
  readonly place: Place;
  readonly content: ContentRow | undefined;
}

async function sealedPlaces(
  store: LedgerStore,
  chain: Chain,
  seqFirst: number,
  going: readonly { readonly entry: Entry; readonly index: number }[],
): Promise<readonly SealedGone[]> {
  const places = going
    .filter(({ entry }) => erasableIn(entry) !== undefined)
    .map(({ index }) => ({ ...chain, seq: seqFirst + index }));
  const contents = await contentsAt(store, places);
  return places.map((place, index) => ({ place, content: contents[index] }));
}

function forget(draft: Draft, place: Place, content: ContentRow | undefined): void {
  draft.delete(contentKey(place));
  if (content?.state === 'held') draft.delete(subjectKey(content.subject, place));
}

/** A hole grows with what goes right behind it. */
function putHole(
  draft: Draft,
  chain: Chain,
  {
    range,
    block,
    entries,
    before,
  }: {
    readonly range: CutRange;
    readonly block: Block;
    readonly entries: readonly (Entry | undefined)[];
    readonly before: ReturnType<typeof holeRow.decode> | undefined;
  },
): void {
  const { seqFirst, seqLast, previousHash, hash, bytes, from, to } = range;
  const { receivedAtMs } = block;
  const times = entries.slice(from, to).flatMap((entry) => entry?.atMs ?? []);
  const at = { firstAtMs: Math.min(...times, receivedAtMs), lastAtMs: Math.max(...times, 0) };
  const own = { seqFirst, seqLast, previousHash, hash, bytes, receivedAtMs, ...at };
  const joins = before?.reason === 'retention' && before.seqLast === seqFirst - 1;
  const hole =
    joins && equalBytes(before.hash, previousHash)
      ? { ...before, seqLast, hash, bytes: before.bytes + bytes, lastAtMs: at.lastAtMs }
      : { ...own, reason: 'retention' as const };
  draft.put(holeKey(chain, hole.seqFirst), holeRow.encode(hole));
}

/** Forgets runs of which no entry is left. */
async function pruneRuns(pruning: Pruning): Promise<number> {
  const { store, record } = pruning;
  const prefix = prefixOf('run', record.device);
  let [from, pruned] = [prefix, 0];
  for (;;) {
    const rows = await store.scan({ from, to: behind(prefix), limit: RUNS_MAX });
    const over = rows.filter(({ value }) => isRunOver(pruning, runRow.decode(value)));
    if (over.length > 0) {
      pruned += await store.submit({
        ...{ devices: [record.device], bytes: 256 * over.length },
        reads: () => over.map(({ key }) => key),
        apply: (draft) => over.filter((row) => forgetRun(draft, row)).length,
      });
    }
    const last = rows.at(-1);
    if (last === undefined || rows.length < RUNS_MAX) return pruned;
    from = Uint8Array.of(...last.key, 0);
  }
}

function forgetRun(draft: Draft, { key, value }: StoreRow): boolean {
  if (!draft.holds(key, value)) return false;
  draft.delete(key);
  forgetOrders(draft, runRow.decode(value));
  return true;
}
