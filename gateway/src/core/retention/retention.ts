import { messageOf, type Clock, type Log } from '@holdfast/protocol';
import type { Ledger } from '../ledger.ts';
import type { RetentionRule } from './rules.ts';

export interface RetentionParts {
  readonly ledger: Pick<Ledger, 'prune'>;
  readonly rules: readonly RetentionRule[];
  /** How long commands stay once they are answered. */
  readonly keepCommandsMs: number;
  readonly clock: Pick<Clock, 'nowMs' | 'wakeIn'>;
  readonly log: Log;
  /** Names this process among those that share the ledger: one of them prunes. */
  readonly owner: string;
  readonly firstInMs?: number | undefined;
}

/** A start is busy enough. */
const FIRST_IN_MS = 60_000;
const EVERY_MS = 6 * 60 * 60_000;
const AGAIN_MS = 10 * 60_000;

/** Has the ledger pruned by its rules, four times a day. */
export class Retention {
  readonly #parts: RetentionParts;
  #cancelWake: () => void;
  #looking: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: RetentionParts) {
    this.#parts = parts;
    const { clock, firstInMs = FIRST_IN_MS } = parts;
    const look = () => void (this.#looking = this.#look());
    this.#cancelWake = clock.wakeIn(firstInMs, look);
  }

  /** Resolves once nothing is under way: what is left is pruned another time. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelWake();
    await this.#looking;
  }

  async #look(): Promise<void> {
    const { ledger, rules, keepCommandsMs, clock, log, owner } = this.#parts;
    let againInMs = EVERY_MS;
    try {
      const isOver = (): boolean => this.#isClosed;
      const order = { rules, keepCommandsMs, nowMs: clock.nowMs(), owner, isOver };
      const pruned = await ledger.prune(order);
      if (pruned !== undefined && pruned.entries + pruned.runs + pruned.commands > 0) {
        log.info('the ledger was pruned', { ...pruned });
      }
    } catch (error) {
      againInMs = AGAIN_MS;
      log.error('the ledger could not be pruned', { why: messageOf(error) });
    }
    if (this.#isClosed) return;
    this.#cancelWake = clock.wakeIn(againInMs, () => void (this.#looking = this.#look()));
  }
}
