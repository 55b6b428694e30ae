import { laneIndex, lanes, type PerLane } from '@holdfast/protocol';
import { hasTags } from '../dispatch.ts';
import { entryView } from '../entry-view.ts';
import type { DeviceRecord, Ledger, LedgerEntry } from '../ledger.ts';
import { outId, type OutFilter, type OutPlace, type OutRecord } from './record.ts';

/** How far the entries of a device were read: seqs, lane by lane, of one of its lives. */
export interface OutCursor {
  /** 0: nothing yet. */
  readonly epoch: number;
  readonly seqs: PerLane<number>;
}

export const fromStart: OutCursor = Object.freeze({ epoch: 0, seqs: [0, 0, 0] as const });

/** All that there is now has been read. */
export function endOf({ epoch, lanes: positions }: DeviceRecord): OutCursor {
  const [urgent, normal, bulk] = positions;
  return { epoch, seqs: [urgent.watermark, normal.watermark, bulk.watermark] };
}

/** Whether there is more of a device behind a cursor. */
export function hasMore(cursor: OutCursor, record: DeviceRecord): boolean {
  if (cursor.epoch < record.epoch) return true;
  return record.lanes.some(({ watermark }, index) => watermark > (cursor.seqs[index] ?? 0));
}

/** The cursor right behind a place, where everything in the lanes before it was read. */
export function behindPlace({ epoch, lane, seq }: OutPlace): OutCursor {
  const at = laneIndex(lane);
  const of = (index: number): number => {
    if (index === at) return seq;
    return index < at ? Number.MAX_SAFE_INTEGER : 0;
  };
  return { epoch, seqs: [of(0), of(1), of(2)] };
}

export interface OutPage {
  /** Those that fit. */
  readonly records: readonly OutRecord[];
  /** Behind all that was looked at. */
  readonly cursor: OutCursor;
  /** The last entry that was; `undefined`: none was. */
  readonly last: OutPlace | undefined;
  /** There was nothing more. */
  readonly isEnd: boolean;
}

export interface OutReading {
  readonly filter: OutFilter;
  /** With the contents of values that are about somebody. */
  readonly isPersonal: boolean;
  /** Entries to look at, at most. */
  readonly limit: number;
}

/** Reads on, in one lane of one device: the urgent ones first, an older life before a newer one. */
export async function readOut(
  ledger: Ledger,
  { record, cursor }: { readonly record: DeviceRecord; readonly cursor: OutCursor },
  reading: OutReading,
): Promise<OutPage> {
  const { device } = record;
  const { filter, isPersonal, limit } = reading;
  const isMeant = fitsDevice(record, filter);
  let at = cursor;
  if (at.epoch === 0) at = { ...fromStart, epoch: await nextEpoch(ledger, record, 0) };
  for (;;) {
    for (const lane of lanes) {
      const after = at.seqs[laneIndex(lane)] ?? 0;
      const query = { device, epoch: at.epoch, lane, after, limit, isPersonal };
      const entries = await ledger.entries(query);
      const last = entries.at(-1);
      if (last === undefined) continue;
      const records = isMeant ? await recordsOf(ledger, device, entries, filter) : [];
      const place = { device, epoch: at.epoch, lane, seq: last.seq };
      return { records, cursor: withSeq(at, last), last: place, isEnd: false };
    }
    if (at.epoch >= record.epoch) {
      return { records: [], cursor: at, last: undefined, isEnd: true };
    }
    at = { ...fromStart, epoch: await nextEpoch(ledger, record, at.epoch) };
  }
}

export function withSeq(
  { epoch, seqs }: OutCursor,
  { lane, seq }: Pick<OutPlace, 'lane' | 'seq'>,
): OutCursor {
  const of = (index: number): number => (index === laneIndex(lane) ? seq : (seqs[index] ?? 0));
  return { epoch, seqs: [of(0), of(1), of(2)] };
}

async function nextEpoch(ledger: Ledger, record: DeviceRecord, after: number): Promise<number> {
  const lives = await ledger.epochs(record.device);
  return lives.findLast(({ epoch }) => epoch > after)?.epoch ?? record.epoch;
}

export function fitsDevice(record: DeviceRecord, { devices, tags }: OutFilter): boolean {
  if (devices.length > 0 && !devices.includes(record.device)) return false;
  return hasTags(record.tags, tags);
}

async function recordsOf(
  ledger: Ledger,
  device: string,
  entries: readonly LedgerEntry[],
  filter: OutFilter,
): Promise<readonly OutRecord[]> {
  const [first] = entries;
  if (first === undefined) return [];
  const timely = entries.filter(({ receivedAtMs, entry }) => {
    const { sinceMs, beforeMs, kinds } = filter;
    if (receivedAtMs < sinceMs || (beforeMs > 0 && receivedAtMs >= beforeMs)) return false;
    return kinds.length === 0 || (entry !== undefined && kinds.includes(entry.kind));
  });
  const clocks = await ledger.clocks(device, first.epoch);
  const workflows = await ledger.out.workflows(device, runsOf(timely));
  return timely.flatMap((stored): OutRecord[] => {
    const { epoch, lane, seq, entry } = stored;
    const workflow =
      entry?.kind === 'run.started' ? entry.workflow : (workflows.get(runOf(stored)) ?? '');
    if (filter.workflows.length > 0 && !filter.workflows.includes(workflow)) return [];
    const id = outId({ device, epoch, lane, seq });
    return [{ ...entryView(stored, clocks), id, device, workflow }];
  });
}

function runOf({ entry }: LedgerEntry): string {
  return entry !== undefined && 'run' in entry ? entry.run : '';
}

function runsOf(entries: readonly LedgerEntry[]): readonly string[] {
  return [...new Set(entries.map(runOf))].filter((run) => run !== '');
}
