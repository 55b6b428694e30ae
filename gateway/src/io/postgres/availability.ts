import type { Clock, Log } from '@holdfast/protocol';
import { failureOf, whyOf } from './sql-errors.ts';

export interface AvailabilityParts {
  /** Rejects while the database cannot be used. */
  readonly probe: () => Promise<void>;
  readonly clock: Pick<Clock, 'wakeIn'>;
  readonly log: Log;
  /** Called when that changes, with why it cannot be used; `undefined`: it can. */
  readonly onChange: (problem: string | undefined) => void;
  /** It never will be usable as it is. */
  readonly onFailure: (error: unknown) => void;
}

const PAUSE_MS_MIN = 250;
const PAUSE_MS_MAX = 5_000;

/** Whether the database can be used; while it cannot, looks again and again whether it can. */
export class Availability {
  readonly #parts: AvailabilityParts;
  #problem: string | undefined;
  #cancelPause: () => void = () => {};
  #isClosed = false;

  constructor(parts: AvailabilityParts) {
    this.#parts = parts;
  }

  /** Why it cannot be used, in words; `undefined`: it can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** Something failed that may work later. */
  lost(error: unknown): void {
    const isNew = this.#problem === undefined;
    this.#problem = whyOf(error);
    if (!isNew || this.#isClosed) return;
    this.#parts.log.error('the database of the ledger is not there: nothing is acknowledged', {
      why: this.#problem,
    });
    this.#parts.onChange(this.#problem);
    this.#pause(PAUSE_MS_MIN);
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelPause();
  }

  #pause(pauseMs: number): void {
    if (this.#isClosed) return;
    // Half of it at least: gateways that lost the same database do not come back as one.
    const jitteredMs = Math.ceil(pauseMs * (0.5 + Math.random() / 2));
    this.#cancelPause = this.#parts.clock.wakeIn(jitteredMs, () => void this.#look(pauseMs));
  }

  async #look(pauseMs: number): Promise<void> {
    const { probe, log, onChange, onFailure } = this.#parts;
    try {
      await probe();
      if (this.#isClosed) return;
      this.#problem = undefined;
      log.info('the database of the ledger is there');
      onChange(undefined);
    } catch (error) {
      if (failureOf(error) === 'never') {
        onFailure(error);
        return;
      }
      const why = whyOf(error);
      if (why !== this.#problem) log.info('the database of the ledger is still not there', { why });
      this.#problem = why;
      this.#pause(Math.min(2 * pauseMs, PAUSE_MS_MAX));
    }
  }
}
