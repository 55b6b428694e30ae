import { hex, laneIndex, lanes, type Lane } from '@holdfast/protocol';
import { entryTimes, untimed, type EntryTime } from './entry-times.ts';
import type { StoredEntry } from './entry-row.ts';
import type { Journal } from './journal.ts';
import { isNarrowed, isWantedRow, type JournalQuery } from './journal-filter.ts';
import { entryAt, readEntry, valueOf } from './run-detail.ts';
import type { RunStore } from './run-store.ts';
import type { JournalRow, JournalView } from './views.ts';

/** Entries in memory at a time, and how many are looked through for those that are wanted. */
const PAGE = 1_000;
const LOOKED_AT_MAX = 50_000;

interface Parts {
  readonly journal: Journal;
  readonly store: RunStore;
}

/**
 * Entries of one lane, or of all merged by time, oldest first: the newest that are wanted, or, with
 * `after`, the next of its lane.
 */
export async function journalRows(parts: Parts, query: JournalQuery): Promise<JournalView> {
  const chosen = query.lane === undefined ? lanes : [query.lane];
  const rows: JournalRow[] = [];
  let isPartial = false;
  for (const lane of chosen) {
    const found = await laneRows(parts, lane, query);
    rows.push(...found.rows);
    isPartial ||= found.isPartial;
  }
  rows.sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : a.seq - b.seq));
  const { device, epoch } = parts.journal;
  const view = { schema: 'holdfast.journal/1', device, epoch } as const;
  const shown = { ...view, rows: rows.slice(-query.limit) };
  return isPartial ? { ...shown, partial: true } : shown;
}

interface Found {
  readonly rows: readonly JournalRow[];
  /** It was not looked through to its beginning, and older ones may be wanted, too. */
  readonly isPartial: boolean;
}

async function laneRows(parts: Parts, lane: Lane, query: JournalQuery): Promise<Found> {
  const { head, acked } = parts.journal.positions()[laneIndex(lane)];
  const { after, limit } = query;
  if (after !== undefined) {
    const rows = await readRows(parts, { lane, first: after + 1, limit, acked }, query);
    return { rows, isPartial: false };
  }
  const least = query.unsynced === true ? acked + 1 : 1;
  const size = isNarrowed(query) ? PAGE : limit;
  const found: JournalRow[] = [];
  let last = head;
  for (let looked = 0; last >= least && found.length < limit; looked += size) {
    if (looked >= LOOKED_AT_MAX) return { rows: found, isPartial: true };
    const first = Math.max(least, last - size + 1);
    const page = { lane, first, limit: last - first + 1, acked };
    found.unshift(...(await readRows(parts, page, query)).filter(({ seq }) => seq <= last));
    last = first - 1;
    if (size === limit) break;
  }
  return { rows: found.slice(-limit), isPartial: false };
}

async function readRows(
  { journal, store }: Parts,
  page: Pick<Place, 'lane' | 'acked'> & { readonly first: number; readonly limit: number },
  query: JournalQuery,
): Promise<readonly JournalRow[]> {
  const { lane, first, limit, acked } = page;
  const stored = (await journal.entries(lane, first, limit)).filter((each) => {
    const entry = readEntry(each);
    const run = entry !== undefined && 'run' in entry ? entry.run : null;
    const told = { kind: entry?.kind ?? UNREADABLE, run, synced: each.seq <= acked };
    return isWantedRow(told, query);
  });
  const contents = await store.contentsAt(stored.map(({ seq }) => ({ lane, seq })));
  const times = await entryTimes(store.rows, stored.map(readEntry));
  return stored.map((each, index) => {
    const place = { lane, acked, time: times[index] ?? untimed, content: contents[index] };
    return journalRow(each, place, query.hex === true);
  });
}

const UNREADABLE = 'unreadable';

interface Place {
  readonly lane: Lane;
  /** Of the lane. */
  readonly acked: number;
  readonly time: EntryTime;
  readonly content: Uint8Array | undefined;
}

function journalRow(
  stored: StoredEntry,
  { lane, acked, time, content }: Place,
  hasHex: boolean,
): JournalRow {
  const entry = entryAt({ stored, content });
  return {
    ...{ lane, seq: stored.seq, synced: stored.seq <= acked, ...time },
    bytes: stored.bytes.byteLength,
    kind: entry?.kind ?? UNREADABLE,
    run: entry !== undefined && 'run' in entry && entry.run !== '' ? entry.run : null,
    name: entry !== undefined && 'name' in entry ? entry.name : null,
    value: entry === undefined ? null : valueOf(entry),
    ...(hasHex ? { hex: hex(stored.bytes) } : {}),
  };
}
