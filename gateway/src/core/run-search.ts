import { HoldfastError } from '@holdfast/protocol';
import { runView } from './entry-view.ts';
import { hasTags } from './dispatch.ts';
import { clockReader } from './fleet-clocks.ts';
import { tagsOf } from './fleet-commands.ts';
import type { RunsQuery, RunView } from './fleet-views.ts';
import type { Ledger } from './ledger.ts';
import type { LedgerRun } from './run-ledger.ts';

/** Read at once where not all that is read fits. */
const READ_RUNS = 500;
/** Looked at for one page: a search that finds little ends with where to go on. */
const SCANNED_MAX = 20_000;

interface Found {
  readonly runs: readonly RunView[];
  /** `before` of the next page. */
  readonly next: string | null;
}

/** A page of the runs that fit a query. @throws HF_REQUEST_INVALID */
export async function findRuns(ledger: Ledger, query: RunsQuery): Promise<Found> {
  const { device, run, state, limit } = query;
  const clocksOf = clockReader(ledger);
  const tagged = taggedAmong(ledger, query);
  const runs: RunView[] = [];
  let before = readCursor(query.before);
  for (let scanned = 0; scanned < SCANNED_MAX;) {
    const asked = isFilter(query) ? READ_RUNS : limit - runs.length + 1;
    const page = await ledger.runs({ device, run, states: state, before, limit: asked });
    const isTagged = await tagged(page);
    for (const found of page) {
      if (runs.length === limit) return { runs, next: String(before) };
      before = found.ordinal;
      // What is known at once comes first: the clocks of each device are a look at the ledger.
      if (!isWanted(found, query) || !isTagged(found.device)) continue;
      const view = runView(found, await clocksOf(found));
      if (isInTime(view, query)) runs.push(view);
    }
    if (run !== undefined || page.length < asked) return { runs, next: null };
    scanned += page.length;
  }
  return { runs, next: String(before) };
}

/** Tells whose runs are wanted, and looks at each device once. */
function taggedAmong(
  ledger: Ledger,
  { tags }: RunsQuery,
): (page: readonly LedgerRun[]) => Promise<(device: string) => boolean> {
  if (tags === undefined) return () => Promise.resolve(() => true);
  const wanted = tagsOf(tags);
  const known = new Map<string, boolean>();
  return async (page) => {
    const ids = new Set(page.map(({ device }) => device).filter((device) => !known.has(device)));
    for (const record of await ledger.devicesOf([...ids])) {
      known.set(record.device, hasTags(record.tags, wanted));
    }
    return (device) => known.get(device) ?? false;
  };
}

/** Whether runs are read that may not fit. Of all devices, the ledger finds those in a state. */
function isFilter({ device, state, workflow, tags, ...time }: RunsQuery): boolean {
  const ofDevice = device === undefined ? undefined : state;
  const { updatedSinceMs, updatedBeforeMs } = time;
  const filters = [ofDevice, workflow, tags, updatedSinceMs, updatedBeforeMs];
  return filters.some((each) => each !== undefined);
}

function isWanted(run: LedgerRun, { state, workflow }: RunsQuery): boolean {
  return (
    (state === undefined || state.includes(run.state)) &&
    (workflow === undefined || run.workflow === workflow)
  );
}

function isInTime(run: RunView, query: RunsQuery): boolean {
  const { updatedSinceMs: since, updatedBeforeMs: until } = query;
  const updatedAtMs = run.updatedAt === null ? Number.NaN : Date.parse(run.updatedAt);
  return (
    (since === undefined || updatedAtMs >= since) &&
    (until === undefined || updatedAtMs < until)
  );
}

function readCursor(text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,15}$/.test(text)) return Number(text);
  throw new HoldfastError('HF_REQUEST_INVALID', {
    why: 'before is not what the page before had as next',
  });
}
