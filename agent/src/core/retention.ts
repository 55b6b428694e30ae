import {
  codeOf,
  laneIndex,
  lanes,
  messageOf,
  stampIn,
  type Lane,
  type Log,
  type Stamp,
  type StoreOp,
} from '@holdfast/protocol';
import type { DeviceTime } from './device-time.ts';
import type { StoredEntry } from './entry-row.ts';
import type { Choice } from './holes.ts';
import type { Journal } from './journal.ts';
import { finalRunKey } from './keys.ts';
import { gone, PURGE_AT_ONCE, REMOVE_MAX, RunPurge, type Place } from './run-purge.ts';
import { layout, type NumberedRecord, type RunStore } from './run-store.ts';
import type { RunState } from './views.ts';

export interface RetentionOptions {
  readonly clock: Pick<DeviceTime, 'monoMs' | 'nowMs' | 'wakeIn' | 'sinceMs'>;
  readonly log: Log;
  readonly journal: Journal;
  readonly store: RunStore;
  /** How long entries are kept after their run has ended, ms. */
  readonly keepMs: number;
  /** Entries go to a ledger: none that it lacks is deleted, however old. */
  readonly hasLedger: boolean;
  /** A run of this state is gone. */
  readonly onPurged: (state: RunState) => void;
}

/** Sweeps are at least so far apart: what has changed since the last one is seen to together. */
const SWEEP_EVERY_MS = 60_000;
/** The same where nothing is kept for so long. */
const SWEEP_EVERY_MS_MIN = 1_000;
/** What is known of the time may change: something may be old earlier than it was thought. */
const SWEEP_AFTER_MS_MAX = 3_600_000;
/** While the wall clock says that it is late, and nothing else does: each look reads each run. */
const DISPUTED_EVERY_MS = 600_000;

/** How many bytes are still to go. None or less: it is enough. */
export type Excess = () => number;

/** Histories that went on in new ones before they are deleted together. */
const CONTINUED_MAX = 32;
/** Entries of such a history, at most: all of them are one commit. */
const SMALL_MAX = REMOVE_MAX / CONTINUED_MAX;

/**
 * Deletes what the ledger has, whose run has ended, and which is older than the retention: kept
 * until then, so that a gateway set back to an old backup can be refilled. A device without a
 * gateway has no ledger to wait for; if it gets one later, that is told what is gone.
 *
 * What is old is so by the time that has passed for certain, whatever the wall clock says: with a
 * gateway by its word and the time that the machine was up. It may be kept longer, never shorter.
 *
 * It looks when something was journaled or acknowledged, or may have come of age. A device at which
 * nothing happens is not woken, and its store is not read.
 */
export class Retention {
  readonly #options: RetentionOptions;
  readonly #runs: RunPurge;
  #planned: { readonly atMs: number; readonly cancel: () => void } | undefined;
  #stopListening: (() => void) | undefined;
  /** How long it is until the first that was too young in this pass is old, at most. */
  #restMs = Number.POSITIVE_INFINITY;
  /** Entries that the ledger had when the last planned pass began. */
  #ackedBefore = -1;
  readonly #continued: number[] = [];
  #purging: Promise<void> | undefined;
  /** By the wall clock a run is old, and not for certain. */
  #isDisputed = false;
  #last: Promise<number> = Promise.resolve(0);

  constructor(options: RetentionOptions) {
    this.#options = options;
    const isFree = (place: Place): boolean => this.#isFree(place);
    this.#runs = new RunPurge({ ...options, isFree });
  }

  start(): void {
    this.#stopListening = this.#options.journal.onCommit(() => {
      // What a ledger lacks stays, however much is journaled: offline, no pass would find anything.
      if (this.#options.hasLedger && this.#ackedCount() === this.#ackedBefore) return;
      this.#plan(this.#apartMs);
    });
    this.#plan(this.#everyMs);
  }

  close(): void {
    this.#stopListening?.();
    this.#stopListening = undefined;
    this.#planned?.cancel();
  }

  #ackedCount(): number {
    return this.#options.journal.positions().reduce((sum, { acked }) => sum + acked, 0);
  }

  get #apartMs(): number {
    return this.#isDisputed ? DISPUTED_EVERY_MS : this.#everyMs;
  }

  get #everyMs(): number {
    return Math.min(SWEEP_EVERY_MS, Math.max(SWEEP_EVERY_MS_MIN, this.#options.keepMs));
  }

  /** Sweeps in so long, or before if that is planned. */
  #plan(delayMs: number): void {
    const { clock } = this.#options;
    const atMs = clock.monoMs() + delayMs;
    if (this.#stopListening === undefined) return;
    if (this.#planned !== undefined && this.#planned.atMs <= atMs) return;
    this.#planned?.cancel();
    const begin = (): void => {
      this.#planned = undefined;
      void this.#sweepAndPlan();
    };
    const cancel = clock.wakeIn(delayMs, begin, 'patient');
    this.#planned = { atMs, cancel };
  }

  async #sweepAndPlan(): Promise<void> {
    this.#restMs = Number.POSITIVE_INFINITY;
    this.#ackedBefore = this.#ackedCount();
    try {
      await this.sweep();
    } catch (error) {
      this.#stoppedShort(error);
      return this.#plan(this.#everyMs);
    }
    if (this.#restMs === Number.POSITIVE_INFINITY) return;
    const maxMs = this.#isDisputed ? DISPUTED_EVERY_MS : SWEEP_AFTER_MS_MAX;
    this.#plan(Math.min(maxMs, Math.max(this.#everyMs, this.#restMs)));
  }

  /**
   * A history of a run went on in a new one: it is of no use to anybody. Where no ledger wants it,
   * it is deleted before long, so that a run which goes on for ever needs little room.
   *
   * @returns Resolves once no more than a few of them are left to delete.
   */
  async continued(run: number): Promise<void> {
    if (this.#options.hasLedger) return;
    this.#continued.push(run);
    if (this.#continued.length < CONTINUED_MAX) return;
    this.#purging ??= this.#purgeContinued()
      // The next sweep takes up what is left.
      .catch((error: unknown) => this.#stoppedShort(error))
      .finally(() => (this.#purging = undefined));
    await this.#purging;
  }

  /**
   * One pass; passes go one after another.
   *
   * @param excess Age does not count, and nothing more goes once there is none.
   * @returns How many entries were deleted.
   */
  sweep(excess?: Excess): Promise<number> {
    const swept = this.#last.then(() => this.#sweep(excess));
    this.#last = swept.catch(() => 0);
    return swept;
  }

  async #sweep(excess: Excess | undefined): Promise<number> {
    let deleted = await this.#sweepRuns(excess);
    for (const lane of lanes) deleted += await this.#sweepEvents(lane, excess);
    return deleted;
  }

  async #sweepRuns(excess: Excess | undefined): Promise<number> {
    let deleted = 0;
    let due: NumberedRecord[] = [];
    this.#isDisputed = false;
    for await (const each of this.#options.store.records('f')) {
      if (excess !== undefined && excess() <= 0) break;
      const isDue = excess !== undefined || each.record.isContinued;
      if (isDue || (await this.#isRunOld(each))) due.push(each);
      if (due.length < PURGE_AT_ONCE) continue;
      deleted += await this.#runs.purge(due);
      due = [];
    }
    return deleted + (await this.#runs.purge(due));
  }

  #stoppedShort(error: unknown): void {
    if (codeOf(error) === 'HF_AGENT_CLOSED') return;
    this.#options.log.error('retention stopped short', { why: messageOf(error) });
  }

  #isOld({ boot, monoMs: ms }: Stamp): boolean {
    const { clock, keepMs, hasLedger } = this.#options;
    return this.#isOver(keepMs - clock.sinceMs({ boot, ms }, hasLedger));
  }

  #isOver(restMs: number): boolean {
    if (restMs > 0) this.#restMs = Math.min(this.#restMs, restMs);
    return restMs <= 0;
  }

  async #isRunOld({ number, record }: NumberedRecord): Promise<boolean> {
    const { clock, store, keepMs } = this.#options;
    const agoMs = clock.nowMs() - record.updatedAtMs;
    // It spares a look at the run. About what is still to come, the wall clock is or was wrong.
    if (agoMs >= 0 && agoMs < keepMs) return this.#isOver(keepMs - agoMs);
    const last = await store.lastEntry(number).catch((error: unknown) => {
      // A purge that was cut short has taken it.
      if (codeOf(error) === 'HF_ENTRY_DAMAGED') return undefined;
      throw error;
    });
    const isOld = last === undefined || this.#isOld(last);
    this.#isDisputed ||= !isOld;
    return isOld;
  }

  #isFree(place: Place): boolean {
    return place.seq <= this.#freeThrough(place.lane);
  }

  /** The last entry that the ledger has stays: it says where the lane stands. */
  #freeThrough(lane: Lane): number {
    const { acked, head } = this.#options.journal.positions()[laneIndex(lane)];
    return (this.#options.hasLedger ? acked : head) - 1;
  }

  async #purgeContinued(): Promise<void> {
    const { journal, store } = this.#options;
    while (this.#continued.length >= CONTINUED_MAX) {
      const numbers = this.#continued.splice(0, CONTINUED_MAX);
      const histories = await Promise.all(numbers.map((number) => store.placesAndKeys(number)));
      const seqs: number[] = [];
      const going: number[] = [];
      const keys: Uint8Array[] = [];
      for (const [index, { places, keys: own }] of histories.entries()) {
        // What is not like most is left to the next sweep.
        if (places.length > SMALL_MAX || !places.every((place) => this.#isFreeNormal(place))) {
          continue;
        }
        const number = numbers[index] ?? 0;
        seqs.push(...places.map(({ seq }) => seq));
        // Its id and its place in lists are those of the next history.
        keys.push(...own, finalRunKey(number));
        going.push(number);
      }
      const ops = (): StoreOp[] => {
        for (const number of going) store.forget(number);
        return keys.map(gone);
      };
      await journal.remove('normal', seqs, { reason: 'trimmed', ops });
    }
  }

  #isFreeNormal(place: Place): boolean {
    return place.lane === 'normal' && this.#isFree(place);
  }

  /** Entries outside of runs, from where the last pass stopped. */
  async #sweepEvents(lane: Lane, excess: Excess | undefined): Promise<number> {
    const { journal, store } = this.#options;
    const cursor = `purged/${lane}`;
    let deleted = 0;
    for (let through = await store.meta(cursor); ;) {
      if (excess !== undefined && excess() <= 0) return deleted;
      const seqFirst = through + 1;
      const page = await journal.prune({
        ...{ lane, seqFirst, seqLast: this.#freeThrough(lane), reason: 'trimmed' },
        bytesMax: excess?.() ?? Infinity,
        choose: (entry) => (excess === undefined ? this.#ifOld(entry) : ifOutsideRuns(entry)),
        opsOf: (chosen) => [layout.meta(cursor, chosen)],
      });
      if (page.through < seqFirst) return deleted;
      through = page.through;
      deleted += page.entries;
    }
  }

  #ifOld(entry: StoredEntry): Choice {
    return this.#isOld(stampIn(entry.bytes)) ? ifOutsideRuns(entry) : 'stop';
  }
}

function ifOutsideRuns({ run }: StoredEntry): Choice {
  return run === 0 ? 'remove' : 'pass';
}
