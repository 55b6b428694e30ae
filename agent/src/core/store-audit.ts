import { lanes, type Entry, type Store } from '@holdfast/protocol';
import { verifyChains, type ChainFault, type ChainOptions } from './chain-check.ts';
import type { Place } from './contents.ts';
import type { Journal } from './journal.ts';
import { parseStored } from './entry-row.ts';
import { entryKey, laneRange, seqOfEntryKey } from './keys.ts';
import { holeAt } from './lane-holes.ts';
import { readEntry } from './run-detail.ts';
import type { NumberedRecord, RunStore } from './run-store.ts';
import { finalStates } from './views.ts';

/** What a scan of a whole store found. */
export interface StoreAudit {
  readonly entries: number;
  /** Entries that the ledger is not known to have. */
  readonly pending: number;
  readonly runs: { readonly open: number; readonly ended: number };
  readonly faults: readonly ChainFault[];
  /** Rows that do not agree with each other, in words; at most a hundred. */
  readonly mismatches: readonly string[];
}

interface AuditParts {
  readonly chain: ChainOptions;
  readonly journal: Journal;
  readonly runs: RunStore;
  /** Told how many entries were read. */
  readonly progress?: ((entries: number) => void) | undefined;
}

const PAGE = 256;
const MISMATCHES_MAX = 100;

/**
 * Reads every entry, record, history, name and timer, and compares what is derived from rows with
 * the rows: the numbers of the backlog, what leads to a run, and what a run is made of.
 *
 * @throws HF_STORE_DAMAGED for a row that cannot be read.
 */
export async function auditStore(parts: AuditParts): Promise<StoreAudit> {
  const found = new Mismatches();
  const { entries, faults } = await verifyChains(parts.chain, parts.progress);
  const pending = await auditBacklog(parts, found);
  const open = await auditRuns(parts, 'o', found);
  const ended = await auditRuns(parts, 'f', found);
  await auditTimers(parts, found);
  return { entries, pending, runs: { open, ended }, faults, mismatches: found.texts };
}

class Mismatches {
  readonly texts: string[] = [];

  note(text: string): void {
    if (this.texts.length < MISMATCHES_MAX) this.texts.push(text);
  }
}

/** The numbers that status tells against those of a scan. */
async function auditBacklog({ chain, journal }: AuditParts, found: Mismatches): Promise<number> {
  let pending = 0;
  for (const [index, lane] of lanes.entries()) {
    const { acked = 0 } = journal.positions()[index] ?? {};
    let [count, bytes] = [0, 0];
    await chain.store.each(laneRange(lane, acked + 1), (row) => {
      count += 1;
      bytes += parseStored(seqOfEntryKey(row.key), row.value).bytes.byteLength;
    });
    const [due, told] = [journal.backlogEntries(lane), journal.backlogBytes(lane)];
    if (count !== due) found.note(`lane ${lane} has ${count} pending, not ${due}`);
    if (bytes !== told) found.note(`lane ${lane} has ${bytes} bytes pending, not ${told}`);
    pending += count;
    await chain.store.each({ ...laneRange(lane), to: entryKey(lane, acked + 1) }, (row) => {
      count += 1;
      bytes += parseStored(seqOfEntryKey(row.key), row.value).bytes.byteLength;
    });
    const kept = journal.kept(lane);
    if (count !== kept.entries) found.note(`lane ${lane} keeps ${count}, not ${kept.entries}`);
    if (bytes !== kept.bytes) found.note(`lane ${lane} keeps ${bytes} bytes, not ${kept.bytes}`);
  }
  return pending;
}

async function auditRuns(parts: AuditParts, table: 'o' | 'f', found: Mismatches): Promise<number> {
  let count = 0;
  for await (const each of parts.runs.records(table)) {
    count += 1;
    await auditName(parts, each, found);
    await auditHistory(parts, each, found);
  }
  return count;
}

/** The id of a run leads to it, or to a later one of the same id. */
async function auditName({ runs }: AuditParts, run: NumberedRecord, found: Mismatches) {
  const { id, isContinued } = run.record;
  const number = await runs.numberOf(id);
  if (number === run.number) return;
  const named = number === undefined ? undefined : await runs.record(number);
  if (named?.id === id) return;
  if (!isContinued) found.note(`the id of run ${run.number} leads to ${number ?? 'nothing'}`);
}

async function auditHistory(
  { runs, journal, chain }: AuditParts,
  run: NumberedRecord,
  found: Mismatches,
): Promise<void> {
  const places = await runs.places(run.number);
  const { n, id, stuckCode, state } = run.record;
  const isExcused = stuckCode !== '' || finalStates.has(state);
  if (places.length < n) found.note(`run ${run.number} has ${places.length} entries, not ${n}`);
  for (let from = 0; from < places.length; from += PAGE) {
    const page = places.slice(from, from + PAGE);
    const stored = await journal.entriesAt(page);
    for (const [index, { lane, seq }] of page.entries()) {
      // What was lost with a damaged store has no place, and its run is stuck or over.
      if (seq === 0) {
        if (!isExcused) found.note(`run ${run.number} lacks entry ${from + index}`);
        continue;
      }
      const entry = readEntry(stored[index]);
      const at = `entry ${seq} of lane ${lane}, which run ${run.number} has,`;
      if (entry === undefined) {
        const isTold = await isGivenUp(chain.store, { lane, seq });
        if (!isTold) found.note(`${at} is not there`);
      } else if (runOf(entry) !== id) found.note(`${at} is of another run`);
    }
  }
}

/** Whether a hole in its place says that it was damaged. */
async function isGivenUp(store: Store, { lane, seq }: Place): Promise<boolean> {
  return (await holeAt(store, lane, seq))?.reason === 'damaged';
}

async function auditTimers({ runs }: AuditParts, found: Mismatches): Promise<void> {
  const numbers = new Set<number>();
  await runs.eachTimer(({ run }) => void numbers.add(run));
  await runs.eachGlance('o', ({ number }) => void numbers.delete(number));
  for (const number of numbers) found.note(`there is a timer of run ${number}, which is not open`);
}

function runOf(entry: Entry): string | undefined {
  return 'run' in entry ? entry.run : undefined;
}
