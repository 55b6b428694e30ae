import { HoldfastError, equalBytes, messageOf } from '@holdfast/protocol';
import { readLogFile, type LogFile } from '../core/level-format/log-file.ts';
import { compare, findInTable, isTableIntact } from '../core/level-format/table-file.ts';
import { readVersion, type Version } from '../core/level-format/version-edit.ts';
import { batchRows, batchSpan, type LevelRow } from '../core/level-format/write-batch.ts';
import {
  isTableWhole,
  listStoreFiles,
  readStoreFile,
  type NumberedFile,
  type StoreFiles,
} from './store-files.ts';

/** Tables of so many bytes are read whole at every start: it takes a tenth of a second. */
const QUICK_BYTES = 16 * 1024 * 1024;

/** A file that LevelDB needs otherwise than it is, to be written before LevelDB comes. */
export interface Mend {
  readonly name: string;
  readonly bytes: Uint8Array;
}

export interface InspectOptions {
  readonly key: Uint8Array;
  readonly isThorough: boolean;
}

export interface SoundStore {
  readonly kind: 'sound';
  /** Value of the row that was asked for. */
  readonly row: Uint8Array | undefined;
  /** Bytes of writes that a power cut has struck: nobody was told that they were durable. */
  readonly tornBytes: number;
  readonly mends: readonly Mend[];
  /** Tables that do not count: LevelDB did not finish them, or did not come to delete them. */
  readonly leftovers: readonly string[];
}

export interface OddStore {
  readonly kind: 'odd';
  readonly why: string;
  /** The disk does not read it now: it may be as it should. */
  readonly isUnread: boolean;
}

export type StoreLook = SoundStore | OddStore;

/**
 * Looks at a LevelDB directory without LevelDB, which opens damaged ones empty, deletes what it
 * then takes for left-overs, and ends the process over a table that is cut short. Changes nothing.
 *
 * A power cut strikes the last write of the last log, and the last edit of the MANIFEST: both are
 * sound. All else that is missing or wrong was durable once, and is odd.
 *
 * @param options.key Of a row to look up on the way.
 * @param options.isThorough Read every table, however long it takes. LevelDB may end the process
 *   over a damaged one.
 */
export async function inspectStore(dir: string, options: InspectOptions): Promise<StoreLook> {
  try {
    return await inspect(dir, options);
  } catch (error) {
    if (error instanceof HoldfastError) {
      const { why = error.message, code } = error;
      return { kind: 'odd', why, isUnread: code === 'HF_JOURNAL_FAILED' };
    }
    if (error instanceof RangeError) return { kind: 'odd', why: messageOf(error), isUnread: false };
    throw error;
  }
}

async function inspect(dir: string, { key, isThorough }: InspectOptions): Promise<SoundStore> {
  const files = await listStoreFiles(dir);
  const mends: Mend[] = [];
  const manifest = await currentManifest(dir, files, mends);
  const version = await manifestVersion(dir, manifest, mends);
  await checkTables(dir, files, { version, isThorough });
  const { logs, tornBytes } = await checkLogs(dir, files, version);
  const row = findInLogs(logs, key) ?? (await findInTables(dir, files, { version, key }));
  const live = new Set(version.tables.map(({ number }) => number));
  const leftovers = files.tables.filter(({ number }) => !live.has(number)).map(({ name }) => name);
  return { kind: 'sound', row: row?.value, tornBytes, mends, leftovers };
}

async function currentManifest(
  dir: string,
  { manifests }: StoreFiles,
  mends: Mend[],
): Promise<string> {
  const bytes = await readStoreFile(dir, 'CURRENT');
  const text = bytes === undefined ? '' : String.fromCharCode(...bytes.subarray(0, 64));
  const named = manifests.find((name) => text === `${name}\n`);
  if (named !== undefined) return named;
  const [only, ...others] = manifests;
  if (only === undefined) throw odd('it has no MANIFEST');
  // With two of them nobody knows which one counts: files of the other may be gone.
  if (others.length > 0) throw odd('CURRENT does not name one of its MANIFESTs');
  mends.push({ name: 'CURRENT', bytes: Uint8Array.from(`${only}\n`, (c) => c.charCodeAt(0)) });
  return only;
}

async function manifestVersion(dir: string, name: string, mends: Mend[]): Promise<Version> {
  const file = await readStoreFile(dir, name);
  if (file === undefined) throw odd(`${name} cannot be read`);
  const { records, goodBytes, tornBytes, isBroken } = readLogFile(file);
  if (isBroken || records.length === 0) throw odd(`${name} is damaged`);
  // LevelDB refuses an edit that is torn, though what it changes was not done yet.
  if (tornBytes > 0) mends.push({ name, bytes: file.subarray(0, goodBytes) });
  return readVersion(records.map((record) => record.bytes));
}

async function checkTables(
  dir: string,
  files: StoreFiles,
  options: { readonly version: Version; readonly isThorough: boolean },
): Promise<void> {
  const { version } = options;
  const bytesSum = version.tables.reduce((sum, { bytes }) => sum + bytes, 0);
  const isWholly = options.isThorough || bytesSum <= QUICK_BYTES;
  if (version.comparator !== 'leveldb.BytewiseComparator') throw odd('its order is not ours');
  for (const { number, bytes } of version.tables) {
    const name = files.tables.find((each) => each.number === number)?.name;
    if (name === undefined) throw odd(`table ${number} is missing`);
    if (!(await isTableWhole(dir, name, bytes))) throw odd(`${name} is cut off`);
    if (!isWholly) continue;
    const file = await readStoreFile(dir, name);
    if (file === undefined || !isTableIntact(file)) throw odd(`${name} is damaged`);
  }
}

async function checkLogs(
  dir: string,
  files: StoreFiles,
  version: Version,
): Promise<{ logs: readonly LogFile[]; tornBytes: number }> {
  const { logNumber, previousLogNumber, nextFile, lastSequence } = version;
  if (logNumber === undefined || nextFile === undefined || lastSequence === undefined) {
    throw odd('the MANIFEST does not say enough');
  }
  const live = files.logs.filter((log) => log.number >= logNumber || isPrevious(log));
  function isPrevious({ number }: NumberedFile): boolean {
    return number === previousLogNumber && number > 0;
  }
  if (logNumber > 0 && !live.some((log) => log.number === logNumber)) {
    throw odd(`log ${logNumber} is missing`);
  }
  const logs: LogFile[] = [];
  let tornBytes = 0;
  let next: number | undefined;
  for (const { name } of live) {
    const bytes = await readStoreFile(dir, name);
    if (bytes === undefined) throw odd(`${name} cannot be read`);
    const log = readLogFile(bytes);
    // Each write was durable before the next began.
    if (log.isBroken || (tornBytes > 0 && log.records.length > 0)) {
      throw odd(`${name} is damaged before its end`);
    }
    tornBytes += log.tornBytes;
    next = nextSequence(name, log, next);
    logs.push(log);
  }
  if (next !== undefined && next <= lastSequence) throw odd('the end of its log is missing');
  return { logs, tornBytes };
}

/** Sequences are gapless: a record that is gone as if it had never been leaves a gap. */
function nextSequence(name: string, log: LogFile, expected: number | undefined) {
  let next = expected;
  for (const record of log.records) {
    const span = batchSpan(record.bytes);
    if (next !== undefined && span.first !== next) throw odd(`${name} has a gap`);
    next = span.next;
  }
  return next;
}

function findInLogs(logs: readonly LogFile[], key: Uint8Array): LevelRow | undefined {
  let found: LevelRow | undefined;
  for (const log of logs) {
    for (const record of log.records) {
      found = batchRows(record.bytes).findLast((row) => equalBytes(row.key, key)) ?? found;
    }
  }
  return found;
}

async function findInTables(
  dir: string,
  files: StoreFiles,
  { version, key }: { readonly version: Version; readonly key: Uint8Array },
): Promise<LevelRow | undefined> {
  let newest: LevelRow | undefined;
  for (const table of version.tables) {
    if (compare(table.first, key) > 0 || compare(key, table.last) > 0) continue;
    const name = files.tables.find((each) => each.number === table.number)?.name ?? '';
    const file = await readStoreFile(dir, name);
    if (file === undefined) throw odd(`${name} cannot be read`);
    const found = findInTable(file, key);
    if (found !== undefined && found.sequence > (newest?.sequence ?? -1)) newest = found;
  }
  return newest;
}

/** What was found is not what LevelDB, or a power cut, leaves. */
function odd(why: string): HoldfastError {
  return new HoldfastError('HF_STORE_DAMAGED', { why });
}
