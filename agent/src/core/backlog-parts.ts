import { lanes, type Lane } from '@holdfast/protocol';
import type { StoredEntry } from './entry-row.ts';
import type { Journal } from './journal.ts';
import { time } from './rfc3339.ts';
import { readEntry } from './run-detail.ts';
import type { RunStore } from './run-store.ts';
import type { BacklogPartsView } from './views.ts';

/** Some ten milliseconds of a small machine, whatever the size of the backlog. */
const READ_MAX = 4_096;
const PAGE = 128;
/** More of them nobody reads, and names may be made up by code. */
const ROWS_MAX = 100;

interface Parts {
  readonly journal: Journal;
  readonly store: RunStore;
}

interface Sums {
  pending: number;
  bytes: number;
  oldestMs: number;
  readonly runs: Set<number>;
}

/** What a backlog is made of: by the workflows that journaled it, and by kinds of entries. */
export async function backlogParts({ journal, store }: Parts): Promise<BacklogPartsView> {
  const byWorkflow = new Map<string | null, Sums>();
  const byKind = new Map<string, Sums>();
  const workflowOf = workflowFinder(store);
  let read = 0;
  for await (const { stored, weight } of sampleOf(journal)) {
    read += stored.length;
    for (const each of stored) {
      const entry = readEntry(each);
      const told = { stored: each, weight, atMs: entry?.atMs ?? 0 };
      add(byKind, entry?.kind ?? 'unreadable', told);
      add(byWorkflow, await workflowOf(each.run), told);
    }
  }
  return {
    read,
    byWorkflow: rowsOf(byWorkflow).map(([workflow, sums]) => ({
      ...{ workflow, ...amountOf(sums) },
      oldestAt: sums.oldestMs === 0 ? null : time(sums.oldestMs),
      runs: sums.runs.size,
    })),
    byKind: rowsOf(byKind).map(([kind, sums]) => ({ kind, ...amountOf(sums) })),
  };
}

/**
 * The pending entries, or, of more than are read, pages spread evenly over each lane. `weight`: for
 * how many entries of the lane each of them stands.
 */
async function* sampleOf(
  journal: Journal,
): AsyncGenerator<{ readonly stored: readonly StoredEntry[]; readonly weight: number }, void> {
  const positions = journal.positions();
  const all = lanes.reduce((sum, lane) => sum + journal.backlogEntries(lane), 0);
  for (const [index, lane] of lanes.entries()) {
    const { head = 0, acked = 0 } = positions[index] ?? {};
    const pending = journal.backlogEntries(lane);
    if (pending === 0) continue;
    const wanted = Math.max(PAGE, Math.floor((READ_MAX * pending) / all));
    const pages = await readPages(journal, { lane, acked, head }, wanted);
    const got = pages.reduce((sum, page) => sum + page.length, 0);
    for (const stored of pages) yield { stored, weight: got === 0 ? 0 : pending / got };
  }
}

async function readPages(
  journal: Journal,
  { lane, acked, head }: { readonly lane: Lane; readonly acked: number; readonly head: number },
  wanted: number,
): Promise<readonly (readonly StoredEntry[])[]> {
  const span = head - acked;
  const count = Math.ceil(Math.min(wanted, span) / PAGE);
  // The last page ends with the lane: what was journaled last is seen, too.
  const step = span <= wanted || count < 2 ? PAGE : (span - PAGE) / (count - 1);
  const pages: (readonly StoredEntry[])[] = [];
  for (let page = 0; page < count; page += 1) {
    const first = acked + 1 + Math.floor(page * step);
    const stored = await journal.entries(lane, first, PAGE);
    // Where there is a hole, what is behind it came in its place: another page has that.
    const end = acked + 1 + Math.floor((page + 1) * step);
    pages.push(stored.filter(({ seq }) => seq < end || page === count - 1));
  }
  return pages;
}

/** By the number of a run; what is of no run, or of one that is gone, has none. */
function workflowFinder(store: RunStore): (run: number) => Promise<string | null> {
  const known = new Map<number, string | null>([[0, null]]);
  return async (run) => {
    const found = known.get(run);
    if (found !== undefined) return found;
    const workflow = (await store.record(run))?.workflow ?? null;
    known.set(run, workflow);
    return workflow;
  };
}

function add<K>(
  all: Map<K, Sums>,
  key: K,
  { stored, weight, atMs }: { stored: StoredEntry; weight: number; atMs: number },
): void {
  const sums = all.get(key) ?? { pending: 0, bytes: 0, oldestMs: 0, runs: new Set() };
  sums.pending += weight;
  sums.bytes += weight * stored.bytes.byteLength;
  if (atMs > 0 && (sums.oldestMs === 0 || atMs < sums.oldestMs)) sums.oldestMs = atMs;
  if (stored.run > 0) sums.runs.add(stored.run);
  all.set(key, sums);
}

/** The largest first. */
function rowsOf<K>(all: ReadonlyMap<K, Sums>): readonly (readonly [K, Sums])[] {
  return [...all].toSorted(([, a], [, b]) => b.pending - a.pending).slice(0, ROWS_MAX);
}

function amountOf({ pending, bytes }: Sums): { readonly pending: number; readonly bytes: number } {
  return { pending: Math.round(pending), bytes: Math.round(bytes) };
}
