import {
  isEventOutsideRuns,
  laneIndex,
  messageOf,
  Pauses,
  type Clock,
  type Log,
} from '@holdfast/protocol';
import { retainedBytes, usedBytes, type Budget } from './budget.ts';
import type { Journal } from './journal.ts';
import type { Excess, Retention } from './retention.ts';

export interface ReliefParts {
  readonly journal: Journal;
  readonly retention: Pick<Retention, 'sweep'>;
  readonly budget: Budget;
  readonly clock: Clock;
  readonly log: Log;
}

/** Where nothing could go, it is looked again only after a while: a look reads every ended run. */
const FUTILE_MS = 10_000;

/**
 * Keeps the journal to its budget. First goes what the ledger has of runs that have ended, however
 * young, also where that alone takes more than its part; then, near the end of the budget, the
 * oldest events outside runs of the lane `bulk` that the ledger lacks. They leave a hole. What is
 * of a run is never shed.
 *
 * Passes follow each other for as long as they are needed and something was journaled or
 * acknowledged since the last one began: what comes in its midst may be the last for long.
 */
export class Relief {
  readonly #parts: ReliefParts;
  #working: Promise<void> | undefined;
  /** Something was journaled or acknowledged since the last pass began. */
  #isWanted = false;
  #stop: () => void = () => {};
  #isClosed = false;
  readonly #pauses: Pauses;
  /** Nothing is left to be shed up to here. */
  #shedThrough = 0;

  constructor(parts: ReliefParts) {
    this.#parts = parts;
    this.#pauses = new Pauses(parts.clock);
  }

  start(): void {
    this.#stop = this.#parts.journal.onCommit(() => this.#look());
    this.#look();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop();
    this.#pauses.close();
    await this.#working;
  }

  #look(): void {
    this.#isWanted = true;
    if (this.#working === undefined && this.#mayPass) this.#working = this.#work();
  }

  get #mayPass(): boolean {
    return this.#isWanted && this.#isNeeded && !this.#isClosed;
  }

  async #work(): Promise<void> {
    while (this.#mayPass) {
      this.#isWanted = false;
      const isFutile = !(await this.#relieve());
      if (isFutile && this.#isNeeded) await this.#pauses.wait(FUTILE_MS);
    }
    // In the same turn as the last look at it: what comes from here on begins anew.
    this.#working = undefined;
  }

  get #isNear(): boolean {
    const { journal, budget } = this.#parts;
    return usedBytes(journal) >= budget.relieveAt;
  }

  get #isNeeded(): boolean {
    const { journal, budget } = this.#parts;
    return this.#isNear || retainedBytes(journal) > budget.retainedMax;
  }

  /** One pass. Never rejects. @returns Whether anything went. */
  async #relieve(): Promise<boolean> {
    const { journal, retention, budget, log } = this.#parts;
    const usedTarget = this.#isNear ? budget.target : Infinity;
    const used: Excess = () => (this.#isClosed ? 0 : usedBytes(journal) - usedTarget);
    const retained: Excess = () =>
      this.#isClosed ? 0 : retainedBytes(journal) - budget.retainedTarget;
    try {
      const swept = await retention.sweep(() => Math.max(used(), retained()));
      const shed = await this.#shed(used);
      if (shed.entries > 0) log.error('measurements were shed: the budget is used up', shed);
      return swept + shed.entries > 0;
    } catch (error) {
      if (this.#isClosed) return false;
      log.error('no room was made', { why: messageOf(error) });
      this.#isWanted = true;
      return false;
    }
  }

  async #shed(excess: Excess): Promise<{ entries: number; bytes: number }> {
    const { journal } = this.#parts;
    let [entries, bytes] = [0, 0];
    while (excess() > 0) {
      const { acked, head } = journal.positions()[laneIndex('bulk')];
      const seqFirst = Math.max(acked, this.#shedThrough) + 1;
      const gone = await journal.prune({
        // The last entry of a lane stays.
        ...{ lane: 'bulk', seqFirst, seqLast: head - 1, reason: 'shed', bytesMax: excess() },
        choose: ({ bytes: entry }) => (isEventOutsideRuns(entry) ? 'remove' : 'pass'),
      });
      if (gone.through < seqFirst) break;
      this.#shedThrough = gone.through;
      entries += gone.entries;
      bytes += gone.bytes;
    }
    return { entries, bytes };
  }
}
