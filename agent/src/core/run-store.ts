import {
  HoldfastError,
  NO_BYTES,
  decodeCbor,
  decodeEntry,
  encodeCbor,
  type Entry,
  type EntryOf,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import { contentsAt, openEntries, shownContent, type OpenEntry, type Place } from './contents.ts';
import type { Instant } from './device-time.ts';
import type { History } from './histories.ts';
import type { Journal } from './journal.ts';
import {
  NUMBER_BYTES,
  configKey,
  finalRunKey,
  getNumber,
  listPlaceKey,
  metaKey,
  nameOfConfigKey,
  numberValue,
  numbersRange,
  openRunKey,
  opOfTimerKey,
  putNumber,
  runIdKey,
  runOfKey,
  tableRange,
  timerKey,
} from './keys.ts';
import {
  decodeRunRecord,
  encodeRunRecord,
  glanceAtRecord,
  type RunGlance,
  type RunRecord,
} from './run-record.ts';
import { isUnharmed, type StoredEntry } from './entry-row.ts';
import { wholeValue } from './value-parts.ts';

export interface NumberedRecord {
  readonly number: number;
  readonly record: RunRecord;
}

export interface GlancedRecord {
  readonly number: number;
  readonly glance: RunGlance;
  readonly record: () => RunRecord;
}

export interface StoredTimer {
  readonly run: number;
  readonly op: number;
  readonly due: Instant;
}

export interface NumbersPage {
  readonly first: number;
  readonly below: number;
  readonly limit: number;
}

const PAGE = 1_000;
/** Entries that are read and decoded at a time: of the rows around them little is left then. */
const HISTORY_PART = 256;
/** A caller who was cut off repeats its last signals, not those of last month. */
const EARLIER_SIGNALS_MAX = 1_000;
const EARLIER_BOUNDS = { bytesMax: 1 << 20, depthMax: 2, itemsMax: EARLIER_SIGNALS_MAX };

/** Of the row with the ids of signals that earlier histories of a run were given. */
export const earlierSignalsKey = (run: number): Uint8Array => metaKey(`signals/${run}`);

/** The longest that six bytes hold. */
const TIMER_MS_MAX = 2 ** 48 - 1;

/** Reads and lays out what the store holds of runs. Writes are made by the journal's commits. */
export class RunStore {
  /** All rows. What is written comes with the journal's commits. */
  readonly rows: Store;
  readonly #journal: Journal;

  constructor(store: Store, journal: Journal) {
    this.rows = store;
    this.#journal = journal;
  }

  async numberOf(id: string): Promise<number | undefined> {
    const value = await lookFor(this.rows, runIdKey(id));
    return value ? getNumber(value, 0) : undefined;
  }

  /** What the gateway has set, as an encoded value. */
  config(name: string): Promise<Uint8Array | undefined> {
    return this.rows.get(configKey(name));
  }

  /** All that the gateway has set, in the order of their names; not more than `limit`. */
  async configs(limit: number): Promise<readonly { readonly name: string; value: Uint8Array }[]> {
    const rows = await this.rows.scan({ ...tableRange('c'), limit });
    return rows.map(({ key, value }) => ({ name: nameOfConfigKey(key), value }));
  }

  /** Ids of runs that begin with `prefix`, ended or not, in the order of their bytes. */
  async idsLike(prefix: string, limit: number): Promise<string[]> {
    const from = runIdKey(prefix);
    // No byte of UTF-8 is 255.
    const rows = await this.rows.scan({ from, to: Uint8Array.from([...from, 255]), limit });
    const records = rows.map(({ value }) => this.record(getNumber(value, 0)));
    return (await Promise.all(records)).flatMap((record) => record?.id ?? []);
  }

  /** Number of the current history of a run that has had several, by its place. */
  async numberAt(place: number): Promise<number | undefined> {
    const value = await lookFor(this.rows, listPlaceKey(place));
    return value ? getNumber(value, 0) : undefined;
  }

  /** Records from `first` on and below `below`, the highest numbers first. */
  async recordsBelow(table: 'o' | 'f', { first, below, limit }: NumbersPage) {
    const range = numbersRange(table, first, below);
    const rows = await this.rows.scan({ ...range, limit, reverse: true });
    return rows.map(({ key, value }): NumberedRecord => {
      return { number: runOfKey(key), record: decodeRunRecord(value) };
    });
  }

  /** Places of runs that have had several histories, in the same way. */
  async placesBelow({ first, below, limit }: NumbersPage): Promise<readonly number[]> {
    const range = numbersRange('l', first, below);
    const rows = await this.rows.scan({ ...range, limit, reverse: true });
    return rows.map(({ key }) => runOfKey(key));
  }

  /** The record of a run, ended or not. */
  async record(number: number): Promise<RunRecord | undefined> {
    const keys = [openRunKey(number), finalRunKey(number)];
    const [open, final] = await Promise.all(keys.map((key) => lookFor(this.rows, key)));
    const value = final ?? open;
    return value ? decodeRunRecord(value) : undefined;
  }

  /** Pages through the records of the runs that have ended (`f`) or have not (`o`), by number. */
  async *records(table: 'o' | 'f', reverse = false): AsyncGenerator<NumberedRecord> {
    for await (const page of this.#pages(table, reverse)) {
      for (const { key, value } of page) {
        yield { number: runOfKey(key), record: decodeRunRecord(value) };
      }
    }
  }

  /** Calls `each` for every record, ended or not, without decoding more than is asked for. */
  async eachGlance(table: 'o' | 'f', each: (glance: GlancedRecord) => void): Promise<void> {
    await this.rows.each(tableRange(table), ({ key, value }) => {
      const record = (): RunRecord => decodeRunRecord(value);
      each({ number: runOfKey(key), glance: glanceAtRecord(value), record });
    });
  }

  /** Calls `each` for every timer. There may be very many, so no list of them is made. */
  async eachTimer(each: (timer: StoredTimer) => void): Promise<void> {
    await this.rows.each(tableRange('t'), ({ key, value }) => {
      const due = { boot: getNumber(value, 0), ms: getNumber(value, NUMBER_BYTES) };
      each({ run: runOfKey(key), op: opOfTimerKey(key), due });
    });
  }

  /** Where the entries of a run are, in the order of its history; what is lost has seq 0. */
  async places(number: number): Promise<readonly Place[]> {
    return (await this.#journal.histories.of(number)).places;
  }

  /** The same, with all rows that say so. */
  placesAndKeys(number: number): Promise<History> {
    return this.#journal.histories.of(number);
  }

  /** Nothing more is written of a run than what is deleted now. */
  forget(number: number): void {
    this.#journal.histories.forget(number);
  }

  /**
   * The history of a run, with what was sealed of it.
   *
   * @throws HF_ENTRY_DAMAGED for an entry that is gone or does not decode.
   */
  async history(number: number): Promise<OpenEntry[]> {
    const places = await this.places(number);
    const history: OpenEntry[] = [];
    for (let from = 0; from < places.length; from += HISTORY_PART) {
      const part = places.slice(from, from + HISTORY_PART);
      const stored = await this.#journal.entriesAt(part);
      const read = part.map((place, at) => {
        const { lane, seq } = place;
        const entry = readEntry(place, stored[at]);
        checkOwner({ lane, seq, n: from + at }, entry, { number, stored: stored[at] });
        return { lane, seq, entry };
      });
      for (const { entry } of await this.#open(read)) history.push(withoutPart(entry));
    }
    return history;
  }

  /** What is to be shown of the sealed values at these places; `undefined`: as the entry has it. */
  async contentsAt(places: readonly Place[], reveal = false): Promise<(Uint8Array | undefined)[]> {
    const rows = await contentsAt(this.rows, places);
    return rows.map((each) => shownContent(each, reveal));
  }

  /** The entry that began a run. @throws HF_ENTRY_DAMAGED */
  async firstEntry(number: number): Promise<EntryOf<'run.started'>> {
    const entry = await this.#entryAt(await this.#journal.histories.first(number));
    if (entry.kind === 'run.started') return entry;
    throw new HoldfastError('HF_ENTRY_DAMAGED', { why: `run ${number} begins with ${entry.kind}` });
  }

  /** The newest entry of a run; `undefined`: it has none. @throws HF_ENTRY_DAMAGED */
  async lastEntry(number: number): Promise<Entry | undefined> {
    const place = await this.#journal.histories.last(number);
    return place && this.#entryAt(place);
  }

  async #entryAt(place: Place): Promise<OpenEntry> {
    const [stored] = await this.#journal.entriesAt([place]);
    const entry = readEntry(place, stored);
    // Behind an entry come the parts of its value.
    const isPart = entry.kind === 'value.part';
    if (isPart) return this.#entryAt({ ...place, seq: place.seq + entry.left });
    const [opened] = await this.#open([{ ...place, entry }]);
    return opened?.entry ?? entry;
  }

  #open(placed: readonly (Place & { readonly entry: Entry })[]) {
    return openEntries({ store: this.rows, sha256: this.#journal.sha256 }, placed);
  }

  /** The value of an entry that is in the entries before it; `undefined`: it has it in itself. */
  wholeValue(placed: Place & { readonly entry: Entry }): Promise<Uint8Array | undefined> {
    return wholeValue({ store: this.rows, sha256: this.#journal.sha256 }, placed);
  }

  /** Ids of signals that earlier histories of this run were given, the newest. */
  async earlierSignals(number: number): Promise<readonly string[]> {
    const value = await lookFor(this.rows, earlierSignalsKey(number));
    const ids = value ? decodeCbor(value, EARLIER_BOUNDS) : [];
    return Array.isArray(ids) ? ids.map(String) : [];
  }

  async meta(name: string): Promise<number> {
    const value = await this.rows.get(metaKey(name));
    return value ? getNumber(value, 0) : 0;
  }

  async *#pages(table: 'o' | 'f', reverse: boolean) {
    let { from, to } = tableRange(table);
    for (;;) {
      const rows = await this.rows.scan({ from, to, limit: PAGE, reverse });
      yield rows;
      const last = rows.at(-1);
      if (last === undefined || rows.length < PAGE) return;
      // The shortest key behind the last one; in reverse its own key is the exclusive end.
      if (reverse) to = last.key;
      else from = Uint8Array.from([...last.key, 0]);
    }
  }
}

/**
 * Reads a row that often is not there, or has not been written for long. A `get` that has to look
 * into several files counts against the first of them, and after a hundred such LevelDB writes it
 * anew with all that it overlaps, up to some MB; a scan does not count.
 */
async function lookFor(rows: Store, key: Uint8Array): Promise<Uint8Array | undefined> {
  const [row] = await rows.scan({ from: key, to: Uint8Array.of(...key, 0), limit: 1 });
  return row?.value;
}

/** What was read with its entry is not held twice. */
function withoutPart(entry: OpenEntry): OpenEntry {
  return entry.kind === 'value.part' ? { ...entry, part: NO_BYTES } : entry;
}

function readEntry(place: Place, stored: StoredEntry | undefined): Entry {
  const why =
    place.seq === 0
      ? 'an entry of its history, which was lost with a damaged store,'
      : `entry ${place.seq} of lane ${place.lane}`;
  if (stored === undefined) throw new HoldfastError('HF_ENTRY_DAMAGED', { why: `${why} is gone` });
  if (!isUnharmed(stored)) {
    throw new HoldfastError('HF_ENTRY_DAMAGED', { why: `${why} is not what was journaled` });
  }
  try {
    return decodeEntry(stored.bytes);
  } catch (cause) {
    throw new HoldfastError('HF_ENTRY_DAMAGED', { why: `${why} does not decode`, cause });
  }
}

/** A history that names entries of others was changed. @throws HF_ENTRY_DAMAGED */
function checkOwner(
  { lane, seq, n }: Place & { readonly n: number },
  entry: Entry,
  of: { readonly number: number; readonly stored: StoredEntry | undefined },
): void {
  if (of.stored?.run === of.number && 'n' in entry && entry.n === n) return;
  const why = `entry ${seq} of lane ${lane} is not entry ${n} of run ${of.number}`;
  throw new HoldfastError('HF_ENTRY_DAMAGED', { why });
}

/** The layout of what commits change besides entries. */
export const layout = {
  openRecord: (run: number, record: RunRecord): StoreOp => ({
    kind: 'put',
    key: openRunKey(run),
    value: encodeRunRecord(record),
  }),
  finalRecord: (run: number, record: RunRecord): readonly StoreOp[] => [
    { kind: 'delete', key: openRunKey(run) },
    { kind: 'put', key: finalRunKey(run), value: encodeRunRecord(record) },
  ],
  reopened: (run: number, record: RunRecord): readonly StoreOp[] => [
    { kind: 'delete', key: finalRunKey(run) },
    { kind: 'put', key: openRunKey(run), value: encodeRunRecord(record) },
  ],
  place: (place: number, run: number): StoreOp => ({
    kind: 'put',
    key: listPlaceKey(place),
    value: numberValue(run),
  }),
  runId: (id: string, run: number): StoreOp => ({
    kind: 'put',
    key: runIdKey(id),
    value: numberValue(run),
  }),
  /** `due` undefined: it is dropped. */
  timer(run: number, op: number, due: Instant | undefined): StoreOp {
    const key = timerKey(run, op);
    if (due === undefined) return { kind: 'delete', key };
    const value = new Uint8Array(2 * NUMBER_BYTES);
    putNumber(value, 0, due.boot);
    putNumber(value, NUMBER_BYTES, Math.min(TIMER_MS_MAX, Math.max(0, Math.ceil(due.ms))));
    return { kind: 'put', key, value };
  },
  /** Ids that count no more in the next history of a run; `undefined`: a later one has them. */
  earlierSignals(run: number, ids: ReadonlySet<string> | undefined): StoreOp {
    const key = earlierSignalsKey(run);
    if (ids === undefined) return { kind: 'delete', key };
    return { kind: 'put', key, value: encodeCbor([...ids].slice(-EARLIER_SIGNALS_MAX)) };
  },
  /** What the gateway has set; `undefined`: it is taken away. */
  config(name: string, value: Uint8Array | undefined): StoreOp {
    const key = configKey(name);
    return value === undefined ? { kind: 'delete', key } : { kind: 'put', key, value };
  },
  meta: (name: string, value: number): StoreOp => ({
    kind: 'put',
    key: metaKey(name),
    value: numberValue(value),
  }),
} as const;
