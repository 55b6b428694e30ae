import { HoldfastError, assert } from '@holdfast/protocol';
import type { Work } from '../../core/ledger-store.ts';
import { failureOf, whyOf } from './sql-errors.ts';

interface Queued {
  readonly work: Work<unknown>;
  readonly resolve: (value: never) => void;
  readonly reject: (error: unknown) => void;
}

export interface CommitLaneParts {
  /** Does works in one transaction; their results, once it is durable. */
  readonly transact: (works: readonly Work<unknown>[]) => Promise<readonly unknown[]>;
  /** The database cannot be used now. */
  readonly onLost: (error: unknown) => void;
}

const BYTES_MAX = 4 * 1024 * 1024;
/** What one transaction is given. */
export const ORDINALS_MAX = 8_192;
const WORKS_MAX = 512;
/** Far more than two that meet at the same rows need. */
const TRIES_MAX = 20;

/**
 * Commits works in the order they came, all that wait in one transaction. Whoever was at the same
 * rows first is waited for, and a connection that breaks is replaced once: what was committed
 * without an answer is found held by the next try. Everything beyond is for the device to send
 * again.
 */
export class CommitLane {
  readonly #parts: CommitLaneParts;
  #queue: Queued[] = [];
  #running: Promise<void> | undefined;

  constructor(parts: CommitLaneParts) {
    this.#parts = parts;
  }

  submit<T>(work: Work<T>): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      this.#queue.push({ work, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async idle(): Promise<void> {
    while (this.#running !== undefined) await this.#running;
  }

  async #run(): Promise<void> {
    await undefined; // Let all work of this turn share the first transaction.
    while (this.#queue.length > 0) await this.#commit(this.#take());
    this.#running = undefined;
  }

  #take(): readonly Queued[] {
    let [bytes, ordinals] = [0, 0];
    const end = this.#queue.findIndex(({ work }, index) => {
      bytes += work.bytes;
      ordinals += work.ordinals ?? 0;
      return bytes > BYTES_MAX || ordinals > ORDINALS_MAX || index >= WORKS_MAX;
    });
    return this.#queue.splice(0, end < 0 ? this.#queue.length : Math.max(1, end));
  }

  async #commit(group: readonly Queued[]): Promise<void> {
    assert(group.length > 0, 'a commit has work to do');
    try {
      const results = await this.#try(group.map(({ work }) => work));
      // The result at an index is that of the work at it, so it has the type that was promised.
      group.forEach(({ resolve }, index) => resolve(results[index] as never));
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
  }

  async #try(works: readonly Work<unknown>[]): Promise<readonly unknown[]> {
    let lost = 0;
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#parts.transact(works);
      } catch (cause) {
        const failure = failureOf(cause);
        if (failure === 'later') lost += 1;
        const isOver = tries >= TRIES_MAX || lost > 1;
        if (failure !== 'never' && !isOver) continue;
        if (failure === 'later') this.#parts.onLost(cause);
        if (cause instanceof HoldfastError) throw cause;
        const code = failure === 'never' ? 'HF_LEDGER_FAILED' : 'HF_LEDGER_UNAVAILABLE';
        throw new HoldfastError(code, { why: whyOf(cause), cause });
      }
    }
  }
}
