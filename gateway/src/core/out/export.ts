import { HoldfastError } from '@holdfast/protocol';
import { eachDevice } from '../device-ledger.ts';
import type { DeviceRecord, Ledger } from '../ledger.ts';
import { behindPlace, fitsDevice, fromStart, readOut } from './read-out.ts';
import {
  outId,
  readOutId,
  type OutFilter,
  type OutPlace,
  type OutRecord,
  type Sink,
} from './record.ts';

export interface ExportQuery {
  readonly filter: OutFilter;
  readonly isPersonal: boolean;
  /** Id of the last record that was had before, or the `next` of a page. */
  readonly after?: string | undefined;
}

export interface ExportPage {
  readonly schema: 'holdfast.export-page/1';
  readonly records: readonly OutRecord[];
  /** Give it as `after` for the page behind; `null`: this was the last. A page may be empty. */
  readonly next: string | null;
}

/** Entries in memory at a time; each has at most 56 KiB. */
const READ = 256;
/** A page ends here, however few of them fit. */
const RECORDS_MAX = 500;
const LOOKED_MAX = 20_000;

/**
 * The records that fit, device by device, lane by lane. Whoever goes on behind the last record that
 * it had misses none and has none twice.
 *
 * @throws HF_REQUEST_INVALID for an `after` that is no place.
 */
export async function exportPage(ledger: Ledger, query: ExportQuery): Promise<ExportPage> {
  const after = query.after === undefined ? undefined : placeOf(query.after);
  const records: OutRecord[] = [];
  let looked = 0;
  for await (const record of devicesFrom(ledger, query.filter, after)) {
    let cursor = after?.device === record.device ? behindPlace(after) : fromStart;
    for (;;) {
      // One after another: a page holds few in memory.
      const page = await readOut(ledger, { record, cursor }, { ...query, limit: READ });
      if (page.last === undefined) break;
      records.push(...page.records);
      cursor = page.cursor;
      looked += READ;
      if (records.length >= RECORDS_MAX || looked >= LOOKED_MAX) {
        return { schema: 'holdfast.export-page/1', records, next: outId(page.last) };
      }
    }
  }
  return { schema: 'holdfast.export-page/1', records, next: null };
}

/** Gives a sink page after page, the next one once the one before was taken. */
export async function exportTo(
  sink: Sink,
  pageBehind: (after: string | undefined) => Promise<ExportPage>,
): Promise<void> {
  let after: string | undefined;
  do {
    const { records, next } = await pageBehind(after);
    if (records.length > 0) await sink.take(records);
    after = next ?? undefined;
  } while (after !== undefined);
}

async function* devicesFrom(
  ledger: Ledger,
  filter: OutFilter,
  after: OutPlace | undefined,
): AsyncGenerator<DeviceRecord, void> {
  const { devices, tags } = filter;
  if (devices.length > 0) {
    const records = await ledger.devicesOf(devices);
    const wanted = records.filter(({ device }) => device >= (after?.device ?? ''));
    yield* wanted
      .filter((record) => fitsDevice(record, filter))
      .toSorted((a, b) => (a.device < b.device ? -1 : 1));
    return;
  }
  const first = after === undefined ? undefined : await ledger.device(after.device);
  if (first !== undefined && fitsDevice(first, filter)) yield first;
  yield* eachDevice(ledger, { after: after?.device, tags });
}

function placeOf(text: string): OutPlace {
  const place = readOutId(text);
  if (place !== undefined) return place;
  const why = `${JSON.stringify(text)} is not the id of a record: device/epoch/lane/seq`;
  throw new HoldfastError('HF_REQUEST_INVALID', { why });
}
