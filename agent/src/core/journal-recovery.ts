import {
  HoldfastError,
  Pauses,
  codeOf,
  equalBytes,
  messageOf,
  type Clock,
  type Log,
  type Sha256,
  type Store,
} from '@holdfast/protocol';
import { chainPlace } from './chain-place.ts';
import type { LaneState } from './lane-state.ts';

export interface RecoveryParts {
  readonly clock: Clock;
  readonly log: Log;
  /** Closes the store, looks at it, and opens it anew. Rejects for as long as the disk fails. */
  readonly reopen: () => Promise<void>;
  /** Whether what was acknowledged is there. @throws HF_STORE_DAMAGED when it is not. */
  readonly verify: () => Promise<void>;
}

/** Why nothing reaches the disk, and since when. */
export interface Trouble {
  readonly error: HoldfastError;
  /** Wall time. */
  readonly sinceMs: number;
}

const PAUSE_MS_MIN = 250;
const PAUSE_MS_MAX = 4_000;
/** Only these end it: all else may pass. */
const finalCodes: ReadonlySet<unknown> = new Set(['HF_STORE_DAMAGED', 'HF_AGENT_CLOSED']);

/**
 * Gets the store back after a write has failed. Nobody knows then what the disk holds, and LevelDB
 * would acknowledge later writes and lose them: it is closed, looked at, opened and read, again
 * and again, until that is possible and shows what had been acknowledged.
 */
export class Recovery {
  readonly #parts: RecoveryParts;
  #trouble: Trouble | undefined;
  #attempts = 0;
  #ended: HoldfastError | undefined;
  readonly #pauses: Pauses;

  constructor(parts: RecoveryParts) {
    this.#parts = parts;
    this.#pauses = new Pauses(parts.clock);
  }

  /** From the first write that failed until one has succeeded. */
  get trouble(): Trouble | undefined {
    return this.#trouble;
  }

  /**
   * Resolves once the store is open again.
   *
   * @throws HF_STORE_DAMAGED, or what `close` was given.
   */
  async run(cause: unknown): Promise<void> {
    this.#note(cause);
    for (;;) {
      await this.#pause();
      if (this.#ended) throw this.#ended;
      try {
        await this.#parts.reopen();
        await this.#parts.verify();
        return;
      } catch (error) {
        if (finalCodes.has(codeOf(error))) throw error;
        this.#note(error);
      }
    }
  }

  /** A write has reached the disk. */
  succeeded(): void {
    if (this.#trouble === undefined) return;
    const { clock, log } = this.#parts;
    log.info('the journal is back', { afterMs: clock.nowMs() - this.#trouble.sinceMs });
    this.#trouble = undefined;
    this.#attempts = 0;
  }

  /** Ends a run that is under way, with this. */
  close(reason: HoldfastError): void {
    this.#ended = reason;
    this.#pauses.close();
  }

  #note(cause: unknown): void {
    const { clock, log } = this.#parts;
    const why = whyOf(cause);
    if (this.#trouble?.error.why !== why) log.error('nothing reaches the disk', { why });
    const error = new HoldfastError('HF_JOURNAL_FAILED', { why, cause });
    this.#trouble = { error, sinceMs: this.#trouble?.sinceMs ?? clock.nowMs() };
  }

  async #pause(): Promise<void> {
    const pauseMs = Math.min(PAUSE_MS_MAX, PAUSE_MS_MIN * 2 ** Math.min(this.#attempts, 10));
    this.#attempts += 1;
    await this.#pauses.wait(pauseMs);
  }
}

function whyOf(cause: unknown): string {
  const own = cause instanceof HoldfastError ? cause.why : undefined;
  return own ?? messageOf(cause);
}

/** What was acknowledged has to be there. @throws HF_STORE_DAMAGED */
export async function verifyHeads(
  ports: { readonly store: Store; readonly sha256: Sha256 },
  states: readonly LaneState[],
): Promise<void> {
  for (const { lane, start, head, headHash } of states) {
    if (head === 0) continue;
    const place = await chainPlace({ ...ports, lane, start }, head);
    if (place !== undefined && equalBytes(place.hash, headHash)) continue;
    const why = `entry ${head} of lane ${lane} was written, and is not there any more`;
    throw new HoldfastError('HF_STORE_DAMAGED', { why });
  }
}
