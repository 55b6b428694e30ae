import { HoldfastError, codeOf, type Clock } from '@holdfast/protocol';
import { isUnavailable, retryAfterMsOf } from './handler-failure.ts';
import {
  attemptBegins,
  attemptEnded,
  newGate,
  type AttemptEnd,
  type Gate,
  type GateLimits,
} from './service-gate.ts';

interface Waiting {
  readonly key: string;
  readonly begin: () => void;
  readonly end: (error: HoldfastError) => void;
}

/** Nobody was asked: the call had expired, its input was gone, or the gateway closes. */
const UNASKED: ReadonlySet<string | undefined> = new Set([
  'HF_CALL_TIMEOUT',
  'HF_VALUE_SEALED',
  'HF_GATEWAY_CLOSED',
]);

/** Lets attempts at one service begin in the order they came, as its gate has it. */
export class ServiceQueue {
  readonly #limits: GateLimits;
  readonly #clock: Pick<Clock, 'monoMs' | 'wakeIn'>;
  readonly #waiting: Waiting[] = [];
  #gate: Gate;
  #isClosed = false;
  #cancelWake: () => void = () => {};

  constructor(limits: GateLimits, clock: Pick<Clock, 'monoMs' | 'wakeIn'>) {
    this.#limits = limits;
    this.#clock = clock;
    this.#gate = newGate(limits, clock.monoMs());
  }

  get gate(): Gate {
    return this.#gate;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /**
   * Runs an attempt at the call named `key` once it may begin.
   *
   * @throws What the attempt throws; HF_GATEWAY_CLOSED when it has not begun by `close`.
   */
  async pass<T>(key: string, attempt: () => Promise<T>): Promise<T> {
    await this.#turn(key);
    let failure: unknown;
    let isFailure = false;
    try {
      return await attempt();
    } catch (error) {
      [failure, isFailure] = [error, true];
      throw error;
    } finally {
      const nowMs = this.#clock.monoMs();
      const end = { key, nowMs, ...(isFailure ? endOf(failure) : answered) };
      this.#gate = attemptEnded(this.#gate, end, this.#limits);
      this.#begin();
    }
  }

  /** Nothing begins any more. */
  close(): void {
    this.#isClosed = true;
    this.#cancelWake();
    const error = new HoldfastError('HF_GATEWAY_CLOSED');
    for (const { end } of this.#waiting.splice(0)) end(error);
  }

  #turn(key: string): Promise<void> {
    if (this.#isClosed) return Promise.reject(new HoldfastError('HF_GATEWAY_CLOSED'));
    return new Promise((begin, end) => {
      this.#waiting.push({ key, begin, end });
      this.#begin();
    });
  }

  #begin(): void {
    this.#cancelWake();
    this.#cancelWake = () => {};
    for (;;) {
      const [first] = this.#waiting;
      if (first === undefined) return;
      const nowMs = this.#clock.monoMs();
      const turn = attemptBegins(this.#gate, { key: first.key, nowMs }, this.#limits);
      if (turn.kind === 'waits') {
        const { inMs } = turn;
        if (inMs !== undefined) this.#cancelWake = this.#clock.wakeIn(inMs, () => this.#begin());
        return;
      }
      this.#gate = turn.gate;
      this.#waiting.shift();
      first.begin();
    }
  }
}

type Outcome = Pick<AttemptEnd, 'outcome' | 'retryAfterMs'>;

const answered: Outcome = { outcome: 'answered', retryAfterMs: 0 };

function endOf(error: unknown): Outcome {
  if (UNASKED.has(codeOf(error))) return { outcome: 'unasked', retryAfterMs: 0 };
  if (!isUnavailable(error)) return answered;
  return { outcome: 'unavailable', retryAfterMs: retryAfterMsOf(error) };
}
