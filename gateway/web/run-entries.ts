import { useEffect, useState } from 'preact/hooks';
import type { ShownEntry } from '../../protocol/web/shown.ts';
import type { DeviceDetailView } from '../src/core/device-views.ts';
import type { EntryView } from '../src/core/fleet-views.ts';
import { api, useLive } from './api.ts';
import { shownEntry } from './entries.tsx';

type Lane = EntryView['lane'];

const PAGE = 1_000;
/** The search for a moment ends with so many entries that may be before it. */
const NEAR = 200;

interface Place {
  readonly device: string;
  readonly lane: Lane;
  readonly watermark: number;
}

/** A seq of a lane behind which everything happened after a moment, and little before it. */
async function seqBefore({ device: id, lane, watermark }: Place, atMs: number): Promise<number> {
  let [low, high] = [0, watermark];
  while (high - low > NEAR) {
    const middle = Math.floor((low + high) / 2);
    const query = { lane, after: middle, limit: 1 };
    const { entries } = await api.ask('GET /api/devices/{id}/entries', { params: { id }, query });
    const at = entries[0]?.['at'];
    const isBefore = typeof at === 'string' && Date.parse(at) < atMs;
    if (isBefore) low = middle;
    else high = middle;
  }
  return low;
}

/**
 * Entries of a run in a lane: among those from its start on, and among the newest. `undefined`:
 * they are being asked for.
 */
export function useRunEntries(
  device: DeviceDetailView | undefined,
  lane: Lane,
  run: { readonly id: string; readonly startedAt: string | null } | undefined,
): readonly ShownEntry[] | undefined {
  const id = device?.device ?? '';
  const watermark = device?.lanes.find((each) => each.lane === lane)?.watermark ?? 0;
  const newest = Math.max(0, watermark - PAGE);
  const [from, setFrom] = useState<number | undefined>();
  const startedAt = run?.startedAt ?? null;
  const isLong = newest > 0;
  useEffect(() => {
    if (startedAt === null || !isLong) return;
    const place = { device: id, lane, watermark };
    // Without the place of its start, there are the newest.
    seqBefore(place, Date.parse(startedAt)).then(setFrom, () => setFrom(newest));
  }, [id, lane, startedAt, isLong]);
  const asked = (after: number | undefined) =>
    watermark === 0 || after === undefined
      ? undefined
      : ([{ params: { id }, query: { lane, after, limit: PAGE } }] as const);
  const early = useLive('GET /api/devices/{id}/entries', asked(from), 60_000, 'by the clock');
  const late = useLive('GET /api/devices/{id}/entries', asked(newest), 4_000);
  if (device === undefined || (watermark > 0 && late.data === undefined)) return undefined;
  if (isLong && early.data === undefined) return undefined;
  const found = [...(early.data?.entries ?? []), ...(late.data?.entries ?? [])];
  const bySeq = new Map(found.map((entry) => [entry.seq, entry]));
  return [...bySeq.values()].filter((entry) => entry['run'] === run?.id).map(shownEntry);
}
