import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import type { ShownEntry } from '../../protocol/web/shown.ts';
import type { DeviceDetailView } from '../src/core/device-views.ts';
import type { EntryView } from '../src/core/fleet-views.ts';
import { api, useLive } from './api.ts';
import { shownEntry } from './entries.tsx';

type Lane = EntryView['lane'];

const PAGE = 1_000;
/** Pages that are read from the start of a run on: of what lies behind, there are the newest. */
const PAGES_MAX = 30;
/** The search for a moment ends with so many entries that may be before it. */
const NEAR = 200;

const nothing: readonly EntryView[] = [];

interface Place {
  readonly device: string;
  readonly lane: Lane;
  readonly watermark: number;
}

interface RunPlace {
  readonly id: string;
  readonly startedAt: string | null;
}

function readPage({ device: id, lane }: Place, after: number, limit = PAGE) {
  const query = { lane, after, limit };
  return api.ask('GET /api/devices/{id}/entries', { params: { id }, query });
}

/** A seq of a lane behind which everything happened after a moment, and little before it. */
async function seqBefore(place: Place, atMs: number): Promise<number> {
  let [low, high] = [0, place.watermark];
  while (high - low > NEAR) {
    const middle = Math.floor((low + high) / 2);
    const { entries } = await readPage(place, middle, 1);
    const at = entries[0]?.['at'];
    const isBefore = typeof at === 'string' && Date.parse(at) < atMs;
    if (isBefore) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * Reads a lane from the start of a run to what is the newest now, page by page. The first page is
 * told at once, the others together: to draw ten thousand steps anew for each page takes seconds.
 */
async function readFromStart(
  place: Place,
  run: RunPlace,
  tell: (entries: readonly EntryView[]) => boolean,
): Promise<void> {
  const newest = place.watermark - PAGE;
  let after = await seqBefore(place, Date.parse(run.startedAt ?? ''));
  const rest: EntryView[] = [];
  for (let page = 0; page < PAGES_MAX && after < newest; page += 1) {
    const { entries } = await readPage(place, after);
    const last = entries.at(-1)?.seq;
    if (last === undefined) break;
    const own = entries.filter((entry) => entry['run'] === run.id);
    // Nobody looks any more.
    if (!tell(page === 0 ? own : nothing)) return;
    if (page > 0) rest.push(...own);
    after = last;
  }
  tell(rest);
}

/** Those from its start on, where the newest of its lane do not reach back to it. */
function useEarlier(
  { device, lane, watermark }: Place,
  run: RunPlace | undefined,
): { readonly entries: readonly EntryView[]; readonly isAsking: boolean } {
  const [entries, setEntries] = useState(nothing);
  const [isAsking, setAsking] = useState(true);
  const isLong = watermark > PAGE && run !== undefined && run.startedAt !== null;
  useEffect(() => {
    setEntries(nothing);
    if (!isLong) return undefined;
    let isOver = false;
    setAsking(true);
    const tell = (found: readonly EntryView[]): boolean => {
      if (!isOver && found.length > 0) setEntries((known) => [...known, ...found]);
      return !isOver;
    };
    // Without the place of its start, there are the newest.
    readFromStart({ device, lane, watermark }, run, tell)
      .catch(() => undefined)
      .finally(() => !isOver && setAsking(false));
    return () => {
      isOver = true;
    };
  }, [device, lane, run?.id, run?.startedAt, isLong]);
  return { entries, isAsking: isLong && isAsking };
}

export interface RunEntries {
  readonly entries: readonly ShownEntry[];
  /** Some of them are still to come. */
  readonly isAsking: boolean;
}

/** Entries of a run in a lane: from its start on, and all that were the newest since. */
export function useRunEntries(
  device: DeviceDetailView | undefined,
  lane: Lane,
  run: RunPlace | undefined,
): RunEntries {
  const id = device?.device ?? '';
  const watermark = device?.lanes.find((each) => each.lane === lane)?.watermark ?? 0;
  const earlier = useEarlier({ device: id, lane, watermark }, run);
  const after = Math.max(0, watermark - PAGE);
  const newest = { params: { id }, query: { lane, after, limit: PAGE } };
  const asked = watermark === 0 ? undefined : ([newest] as const);
  const late = useLive('GET /api/devices/{id}/entries', asked, 4_000);
  const name = `${id} ${lane} ${run?.id ?? ''}`;
  const known = useRef({ name, bySeq: new Map<number, ShownEntry>() });
  const entries = useMemo(() => {
    // The newest move on: what was among them stays.
    if (known.current.name !== name) known.current = { name, bySeq: new Map() };
    const { bySeq } = known.current;
    for (const entry of [...earlier.entries, ...(late.data?.entries ?? [])]) {
      const isOther = entry['run'] !== run?.id;
      // An entry never changes.
      if (!isOther && !bySeq.has(entry.seq)) bySeq.set(entry.seq, shownEntry(entry));
    }
    return [...bySeq.values()];
  }, [name, earlier.entries, late.data]);
  const isFirst = watermark > 0 && late.data === undefined && entries.length === 0;
  return { entries, isAsking: device === undefined || isFirst || earlier.isAsking };
}
