import { lanes, type Clock } from '@holdfast/protocol';
import type { Journal } from './journal.ts';

/** Where the rate survives the process. */
export interface RateMemory {
  /** Entries a second; `undefined`: not known. */
  entriesPerS(): number | undefined;
  /** A backlog was acknowledged at this rate. */
  drained(entriesPerS: number): void;
}

/** Of fewer, the time is that of an answer, and says nothing of many. */
const ENTRIES_MIN = 32;

/** What had been acknowledged by a moment. */
interface Mark {
  readonly atMs: number;
  readonly acked: number;
}

/**
 * How fast the ledger acknowledges a backlog: what was pending when a connection was there, until
 * nothing was pending or the connection ended. What is journaled and sent one by one is no backlog.
 */
export class UsualRate {
  readonly #journal: Pick<Journal, 'positions' | 'backlogEntries' | 'onCommit'>;
  readonly #clock: Pick<Clock, 'monoMs'>;
  readonly #memory: RateMemory;
  #isLinked = false;
  /** Of the backlog that drains: its beginning, and its last acknowledgement. */
  #drain: { readonly first: Mark; last: Mark } | undefined;

  constructor(
    journal: Pick<Journal, 'positions' | 'backlogEntries' | 'onCommit'>,
    clock: Pick<Clock, 'monoMs'>,
    memory: RateMemory,
  ) {
    this.#journal = journal;
    this.#clock = clock;
    this.#memory = memory;
    journal.onCommit(() => this.#committed());
  }

  /** Whether there is a session with the gateway. */
  linked(isLinked: boolean): void {
    if (isLinked === this.#isLinked) return;
    this.#isLinked = isLinked;
    if (!isLinked) return this.#end();
    if (this.#pending() < ENTRIES_MIN) return;
    const first = this.#mark();
    this.#drain = { first, last: first };
  }

  #committed(): void {
    const drain = this.#drain;
    if (drain === undefined) return;
    const now = this.#mark();
    // Between the last acknowledgement and the end of a dead link nothing drains.
    if (now.acked > drain.last.acked) drain.last = now;
    if (this.#pending() === 0) this.#end();
  }

  #end(): void {
    const drain = this.#drain;
    this.#drain = undefined;
    if (drain === undefined) return;
    const { first, last } = drain;
    const entries = last.acked - first.acked;
    if (entries < ENTRIES_MIN) return;
    const perS = (entries / Math.max(1, last.atMs - first.atMs)) * 1_000;
    this.#memory.drained(Math.max(0.01, Math.round(perS * 100) / 100));
  }

  #pending(): number {
    return lanes.reduce((sum, lane) => sum + this.#journal.backlogEntries(lane), 0);
  }

  /** A hole counts for nothing, however much it stands for. */
  #mark(): Mark {
    const head = this.#journal.positions().reduce((sum, lane) => sum + lane.head, 0);
    return { atMs: this.#clock.monoMs(), acked: head - this.#pending() };
  }
}
