import { isEventOutsideRuns, laneIndex, messageOf, type Clock, type Log } from '@holdfast/protocol';
import { retainedBytes, usedBytes, type Budget } from './budget.ts';
import type { Journal } from './journal.ts';
import type { Retention } from './retention.ts';

export interface ReliefParts {
  readonly journal: Journal;
  readonly retention: Pick<Retention, 'sweep'>;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly log: Log;
}

/** Entries of one commit: they are read before they go, and have up to 56 KiB each. */
const PAGE = 256;
/** Where nothing could go, it is looked again only after a while: a look reads every ended run. */
const FUTILE_MS = 10_000;

/**
 * Keeps the journal to its budget. First goes what the ledger has of runs that have ended, however
 * young, also where that alone takes more than its part; then, near the end of the budget, the
 * oldest events outside runs of the lane `bulk` that the ledger lacks. They leave a hole. What is
 * of a run is never shed.
 */
export class Relief {
  readonly #parts: ReliefParts;
  #working: Promise<void> | undefined;
  #stop: () => void = () => {};
  #isClosed = false;
  #notBeforeMs = 0;
  /** Nothing is left to be shed up to here. */
  #shedThrough = 0;

  constructor(parts: ReliefParts) {
    this.#parts = parts;
  }

  start(): void {
    this.#stop = this.#parts.journal.onCommit(() => this.#look());
    this.#look();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop();
    await this.#working;
  }

  #look(): void {
    const { clock, log } = this.#parts;
    if (this.#working !== undefined || !this.#isNeeded) return;
    if (clock.monoMs() < this.#notBeforeMs) return;
    this.#working = this.#relieve()
      .catch((error: unknown) => {
        log.error('no room was made', { why: messageOf(error) });
        return 0;
      })
      .then((removed) => {
        this.#working = undefined;
        const isFutile = removed === 0 && this.#isNeeded;
        this.#notBeforeMs = isFutile ? clock.monoMs() + FUTILE_MS : 0;
        // What was acknowledged meanwhile may be the last that is for long: no commit follows.
        if (removed > 0 && !this.#isClosed) this.#look();
      });
  }

  get #isNear(): boolean {
    const { journal, budget } = this.#parts;
    return usedBytes(journal) >= budget.relieveAt;
  }

  get #isNeeded(): boolean {
    const { journal, budget } = this.#parts;
    return this.#isNear || retainedBytes(journal) > budget.retainedMax;
  }

  /** @returns How many entries went. */
  async #relieve(): Promise<number> {
    const { journal, retention, budget, log } = this.#parts;
    const usedTarget = this.#isNear ? budget.target : Infinity;
    const isSmall = (): boolean => this.#isClosed || usedBytes(journal) <= usedTarget;
    const isTrimmed = (): boolean => retainedBytes(journal) <= budget.retainedTarget;
    const swept = await retention.sweep(() => this.#isClosed || (isSmall() && isTrimmed()));
    const shed = await this.#shed(isSmall);
    if (shed.entries > 0) log.error('measurements were shed: the budget is used up', shed);
    return swept + shed.entries;
  }

  async #shed(isEnough: () => boolean): Promise<{ entries: number; bytes: number }> {
    const { journal } = this.#parts;
    let [entries, bytes] = [0, 0];
    while (!isEnough()) {
      const { acked, head } = journal.positions()[laneIndex('bulk')];
      const page = await journal.entries('bulk', Math.max(acked, this.#shedThrough) + 1, PAGE);
      const last = page.at(-1);
      // The last entry of a lane stays.
      if (last === undefined || last.seq >= head) return { entries, bytes };
      const seqs = page.filter((row) => isEventOutsideRuns(row.bytes)).map((row) => row.seq);
      const gone = await journal.remove('bulk', seqs, { reason: 'shed' });
      this.#shedThrough = last.seq;
      entries += gone.entries;
      bytes += gone.bytes;
    }
    return { entries, bytes };
  }
}
