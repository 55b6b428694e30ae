import {
  HoldfastError,
  messageOf,
  type Clock,
  type EpochCause,
  type Log,
} from '@holdfast/protocol';
import type { Outlived } from './uplink-verdict.ts';

/** What the store is told of its end. */
export interface EndNote {
  readonly cause: EpochCause;
  readonly why: string;
  /** The highest epoch that anybody knows of. */
  readonly above: number;
}

export interface LifeEndParts {
  /** Has the next start begin a new epoch. Durable once it resolves. */
  readonly endStore: (end: EndNote) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
  /** This very start has begun an epoch because the ledger had another life. */
  readonly isSecond: boolean;
}

/**
 * Two agents that live with one identity would end each other's epochs for ever: an epoch that was
 * begun because of another life is given this long before the next one.
 */
const LIFE_MS_MIN = 10 * 60_000;

export const outlivedCodes = { rewound: 'HF_JOURNAL_REWOUND', forked: 'HF_CHAIN_BROKEN' } as const;

/** Ends the life of a journal that the ledger has another life of. */
export class LifeEnd {
  /** Resolves when the next start, and only that, is to go on. */
  readonly ended: Promise<HoldfastError>;
  readonly #parts: LifeEndParts;
  readonly #sinceMs: number;
  #resolve: (reason: HoldfastError) => void = () => {};

  constructor(parts: LifeEndParts) {
    this.#parts = parts;
    this.#sinceMs = parts.clock.monoMs();
    this.ended = new Promise((resolve) => (this.#resolve = resolve));
  }

  /** Never rejects. */
  async end({ cause, why, epoch: above }: Outlived): Promise<void> {
    const { endStore, clock, log, isSecond } = this.#parts;
    const code = outlivedCodes[cause];
    const isEarly = isSecond && clock.monoMs() - this.#sinceMs < LIFE_MS_MIN;
    if (isEarly) {
      log.error('the ledger has another life again: do two agents have this identity?', { code });
      return;
    }
    log.error('the ledger has another life of this journal: a new epoch begins', { code, why });
    try {
      await endStore({ cause, why, above });
      this.#resolve(new HoldfastError(code, { why }));
    } catch (error) {
      // The uplink asks again.
      log.error('the end of the epoch could not be noted', { why: messageOf(error) });
    }
  }
}
