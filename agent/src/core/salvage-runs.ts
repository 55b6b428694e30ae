import { equalBytes, type Entry, type Lane, type StoreOp } from '@holdfast/protocol';
import type { Place } from './contents.ts';
import type { Instant } from './device-time.ts';
import { instantOf } from './history-fold.ts';
import { LOST } from './history-pack.ts';
import { getNumber, runOfKey, tableOfKey } from './keys.ts';
import { Progress } from './progress.ts';
import { decodeRunRecord, type RunRecord } from './run-record.ts';
import { layout } from './run-store.ts';
import type { CollectedRows } from './salvage-rows.ts';
import { finalStates } from './views.ts';

/** Where an entry of a run was in the old epoch. */
export interface OldPlace {
  readonly n: number;
  readonly lane: Lane;
  readonly seq: number;
  /** Where it is in the new one. */
  readonly seqNew: number;
}

/** A run of a damaged store, from its rows and from its entries. */
export interface SalvagedRun {
  readonly id: string;
  readonly number: number;
  /** `undefined`: its record is lost. */
  readonly record: RunRecord | undefined;
  /** Length that its history had, as far as anything tells. */
  length: number;
  readonly places: OldPlace[];
  /** Whom it is about, as what began it says; empty: nobody, or that is lost. */
  subject: string;
}

/** Finds out which runs a damaged store had, and what each is to go on with. */
export class SalvagedRuns {
  readonly #histories: CollectedRows['histories'];
  readonly #byNumber = new Map<number, SalvagedRun>();
  /** Runs with one id, by their numbers, the last first: that one counts. */
  readonly #ofId = new Map<string, SalvagedRun[]>();
  #numberLast: number;

  constructor({ others, histories }: CollectedRows, numberLast: number) {
    this.#histories = histories;
    this.#numberLast = numberLast;
    const records = new Map<number, RunRecord>();
    for (const { key, value } of others) {
      const table = tableOfKey(key);
      if (table !== 'o' && table !== 'f') continue;
      const record = tryDecode(value);
      const known = records.get(runOfKey(key));
      // A run that has ended is not open: the row that says so is an old one.
      if (record !== undefined && (known === undefined || finalStates.has(record.state))) {
        records.set(runOfKey(key), record);
      }
    }
    for (const [number, record] of records) this.#add(number, record.id, record);
  }

  /** Highest number that a run has. */
  get numberLast(): number {
    return this.#numberLast;
  }

  all(): IterableIterator<SalvagedRun> {
    return this.#byNumber.values();
  }

  isLastOfId(run: SalvagedRun): boolean {
    return this.#ofId.get(run.id)?.[0] === run;
  }

  /** The run in whose history an entry is. */
  ofNumber(number: number, id: string): SalvagedRun {
    return this.#byNumber.get(number) ?? this.#add(number, id, undefined);
  }

  #add(number: number, id: string, record: RunRecord | undefined): SalvagedRun {
    const length = Math.max(record?.n ?? 0, this.#histories.get(number)?.length ?? 0);
    const run: SalvagedRun = { id, number, record, length, places: [], subject: '' };
    this.#byNumber.set(number, run);
    this.#numberLast = Math.max(this.#numberLast, number);
    const same = [...(this.#ofId.get(id) ?? []), run];
    this.#ofId.set(
      id,
      same.toSorted((a, b) => b.number - a.number),
    );
    return run;
  }
}

/** Where the entries of a run are in the new epoch, in order; seq 0: one is lost. */
export function newPlaces(run: SalvagedRun): Place[] {
  const places = Array.from({ length: run.length }, (): Place => LOST);
  for (const { n, lane, seqNew: seq } of run.places) places[n] = { lane, seq };
  return places;
}

/** How many of its entries are lost of which no row of its history told where they were. */
export function missingOf(run: SalvagedRun, histories: CollectedRows['histories']): number {
  const indexed = histories.get(run.number)?.length ?? 0;
  const left = run.places.filter(({ n }) => n >= indexed).length;
  return Math.max(0, run.length - indexed) - left;
}

/**
 * The rows of a run besides the places of its entries: its record and its timers. One that has lost
 * an entry is stuck, as is one that may have.
 *
 * @param entries What is left of its history, in order.
 */
export function rowsOfRun(
  run: SalvagedRun,
  entries: readonly Entry[],
  isInDoubt: boolean,
): StoreOp[] {
  const progress = new Progress();
  for (const entry of entries) progress.add(entry);
  const record = run.record ?? recordFrom(run, entries);
  if (record === undefined) return [];
  const { state } = progress.standing();
  const isWhole = run.places.length === run.length;
  const isContinued = record.isContinued || entries.at(-1)?.kind === 'run.continued';
  const ended = [record.state, state, isContinued ? 'completed' : 'running'] as const;
  const final = ended.find((each) => finalStates.has(each));
  if (final !== undefined) {
    const last = { ...record, state: final, n: run.length, isContinued };
    return [...layout.finalRecord(run.number, last)];
  }
  const why = isWhole ? isInDoubt && inDoubt : stuck;
  const open = { ...record, ...why };
  const timers = [...timersOf(entries)].map(([op, due]) => layout.timer(run.number, op, due));
  return [layout.openRecord(run.number, open), ...timers];
}

const stuck = {
  state: 'stuck',
  stuckCode: 'HF_ENTRY_DAMAGED',
  stuckReason: 'a part of its history was lost with a damaged store',
} as const;

const inDoubt = {
  state: 'stuck',
  stuckCode: 'HF_RUN_IN_DOUBT',
  stuckReason: 'entries are lost with a damaged store, and nobody can tell whose they were',
} as const;

/** A record as a run has that is at work, which a start goes on with. */
function recordFrom(run: SalvagedRun, entries: readonly Entry[]): RunRecord | undefined {
  const started = entries.find((entry) => entry.kind === 'run.started');
  if (started?.kind !== 'run.started') return undefined;
  const { workflow, version, uid, atMs, parent, parentOp } = started;
  return {
    ...{ id: run.id, workflow, version, uid, state: 'running' },
    ...{ startedAtMs: atMs, updatedAtMs: entries.at(-1)?.atMs ?? atMs, n: run.length },
    ...{ status: new Uint8Array(0), at: '', attempt: 0, nextAtMs: 0 },
    ...{ stuckCode: '', stuckReason: '', parent, parentOp, crashes: 0, isContinued: false },
    ...{ hasContents: true, place: run.number, subject: run.subject },
  };
}

/** Open operations that go on at a time, with that time. */
export function timersOf(entries: readonly Entry[]): Map<number, Instant> {
  const timers = new Map<number, Instant>();
  for (const entry of entries) {
    if (!('op' in entry)) continue;
    if ('dueAtMs' in entry) timers.set(entry.op, instantOf(entry, entry.dueAtMs));
    else if ('nextAtMs' in entry) timers.set(entry.op, instantOf(entry, entry.nextAtMs));
    else if ('expiresAtMs' in entry && entry.expiresAtMs > 0) {
      timers.set(entry.op, instantOf(entry, entry.expiresAtMs));
    } else timers.delete(entry.op);
  }
  return timers;
}

/** The value of a row with one number. */
export function numberOf(rows: CollectedRows['others'], key: Uint8Array): number {
  const found = rows.find((row) => equalBytes(row.key, key));
  return found === undefined ? 0 : getNumber(found.value, 0);
}

function tryDecode(value: Uint8Array): RunRecord | undefined {
  try {
    return decodeRunRecord(value);
  } catch {
    return undefined;
  }
}
