import { HoldfastError } from '@holdfast/protocol';
import { fitsRun, narrowed, runFilter } from './run-filter.ts';
import type { RunRecord } from './run-record.ts';
import type { NumberedRecord, NumbersPage, RunStore } from './run-store.ts';
import { finalStates, runStates, type RunState, type RunView } from './views.ts';

/** Which runs a list is to have. All that is given must hold. */
export interface RunsQuery {
  /** Those that have ended, too. Default: only when `states` names how they ended. */
  readonly all?: boolean | undefined;
  readonly states?: readonly RunState[] | undefined;
  /** Name of a workflow. */
  readonly workflow?: string | undefined;
  /** What their ids begin with. */
  readonly prefix?: string | undefined;
  /** A question to each of them, such as `state=stuck and since>1h`. */
  readonly q?: string | undefined;
  /** Each with how many of its entries the ledger has. Default: without. */
  readonly synced?: boolean | undefined;
  /** Started at or after this, ms since 1970. */
  readonly sinceMs?: number | undefined;
  /** Started before this. */
  readonly untilMs?: number | undefined;
  /** At most that many. */
  readonly limit: number;
  /** `next` of the page before. */
  readonly cursor?: string | undefined;
}

export interface RunsPage {
  readonly runs: readonly RunView[];
  readonly next: string | null;
}

/** A run in its place: lists go by place, which never changes while a run lives. */
interface Placed extends NumberedRecord {
  readonly place: number;
}

type Look = (number: number, record: RunRecord) => Promise<RunView>;

/** Above all numbers that six bytes hold. */
const NUMBER_END = 2 ** 48 - 1;
/** Rows of one scan. */
const CHUNK_MIN = 100;
const CHUNK_MAX = 1_000;
/** Runs looked at for one page: a filter that fits few does not hold up whoever asks. */
const LOOKED_AT_MAX = 20_000;

/**
 * One page of runs, newest first. The cursor is a place, and not a count: whatever is written
 * between two pages, no run comes twice, and none is left out that was there all the time. A page
 * may be short, even empty, with a `next`: it then looked at as many runs as one page may.
 *
 * @throws HF_INPUT_INVALID for a cursor that is none, HF_QUERY_INVALID for a question.
 */
export async function listRuns(
  store: RunStore,
  asked: RunsQuery,
  { look, nowMs }: { readonly look: Look; readonly nowMs: number },
): Promise<RunsPage> {
  const { limit } = asked;
  const filter = asked.q === undefined ? undefined : runFilter(asked.q);
  const query = filter === undefined ? asked : narrowed(asked, filter);
  const size = Math.min(CHUNK_MAX, Math.max(CHUNK_MIN, limit + 1));
  const runs: RunView[] = [];
  let below = query.cursor === undefined ? NUMBER_END : parseCursor(query.cursor);
  let lastShown = below;
  for (let looked = 0; below > 0 && looked < LOOKED_AT_MAX; looked += size) {
    const chunk = await readChunk(store, tablesOf(query), { below, limit: size });
    for (const { place, number, record } of chunk.runs) {
      if (!fits(record, query)) continue;
      const view = await look(number, record);
      if (!isWanted(view.state, query)) continue;
      if (filter !== undefined && !fitsRun(view, filter, nowMs)) continue;
      if (runs.length === limit) return { runs, next: String(lastShown) };
      runs.push(view);
      lastShown = place;
    }
    below = chunk.first;
  }
  return { runs, next: below === 0 ? null : String(below) };
}

function parseCursor(cursor: string): number {
  const below = /^\d{1,15}$/.test(cursor) ? Number(cursor) : Number.NaN;
  if (below > 0 && below <= NUMBER_END) return below;
  throw new HoldfastError('HF_INPUT_INVALID', { why: `${cursor} is no cursor of a list of runs` });
}

function fits(record: RunRecord, query: RunsQuery): boolean {
  const { workflow, prefix = '', sinceMs = -Infinity, untilMs = Infinity } = query;
  if (workflow !== undefined && record.workflow !== workflow) return false;
  if (!record.id.startsWith(prefix)) return false;
  return record.startedAtMs >= sinceMs && record.startedAtMs < untilMs;
}

function isWanted(state: RunState, { all, states }: RunsQuery): boolean {
  if (states !== undefined) return states.includes(state);
  return all === true || !finalStates.has(state);
}

/** Whether runs that have not ended (`o`) and that have (`f`) can fit. */
function tablesOf(query: RunsQuery): readonly ('o' | 'f')[] {
  const wanted = runStates.filter((state) => isWanted(state, query));
  const hasOpen = wanted.some((state) => !finalStates.has(state));
  const hasEnded = wanted.some((state) => finalStates.has(state));
  return [...(hasOpen ? (['o'] as const) : []), ...(hasEnded ? (['f'] as const) : [])];
}

interface Chunk {
  /** By place, the highest first. */
  readonly runs: readonly Placed[];
  /** All runs from this place on are in the chunk; 0: there are no others. */
  readonly first: number;
}

/** The runs below a place, as far as one scan of each table goes. */
async function readChunk(
  store: RunStore,
  tables: readonly ('o' | 'f')[],
  { below, limit }: Omit<NumbersPage, 'first'>,
): Promise<Chunk> {
  const page = { first: 0, below, limit };
  const found = new Map<number, Placed>();
  const ends: number[] = [];
  const take = (rows: readonly NumberedRecord[]): void => {
    for (const row of rows) {
      const { isContinued, place } = row.record;
      // A run that has had several histories is found by its place.
      if (!isContinued && place === row.number) found.set(place, { ...row, place });
    }
  };
  for (const table of tables) {
    const rows = await store.recordsBelow(table, page);
    take(rows);
    ends.push(rows.length < limit ? 0 : (rows.at(-1)?.number ?? 0));
  }
  const places = await store.placesBelow(page);
  ends.push(places.length < limit ? 0 : (places.at(-1) ?? 0));
  const first = Math.max(...ends);
  // A failed run that went on between the two scans was in neither.
  if (tables.length > 1) take(await store.recordsBelow('o', { first, below, limit: CHUNK_MAX }));
  for (const place of places) {
    const current = await currentAt(store, place);
    if (current !== undefined) found.set(place, current);
  }
  const runs = [...found.values()].filter(({ place }) => place >= first);
  return { runs: runs.toSorted((a, b) => b.place - a.place), first };
}

/** The run at a place in the history that it is in now; `undefined`: it was purged. */
async function currentAt(store: RunStore, place: number): Promise<Placed | undefined> {
  for (let before = 0; ;) {
    const number = await store.numberAt(place);
    // The same twice: its record is gone, and it is on its way out.
    if (number === undefined || number === before) return undefined;
    const record = await store.record(number);
    if (record !== undefined && !record.isContinued) return { place, number, record };
    before = number;
  }
}
