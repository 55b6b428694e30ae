import type { Clock } from '@holdfast/protocol';

export interface ConnectGateOptions<T> {
  readonly clock: Clock;
  /** In no second more are let in. */
  readonly perS: number;
  readonly letIn: (who: T) => void;
  /** There is no room to wait: who comes later is more likely to be in time. */
  readonly sendAway: (who: T) => void;
}

/** Devices give up a connection that stays silent for 15 s: who waited longer is gone already. */
const WAIT_S_MAX = 8;
/** What a busy process has missed is made up for, so much of a second at most. */
const BURST = 1 / 20;

/**
 * Lets in who comes, in order and at a pace. Each connection costs a handshake and signatures: a
 * herd that is let in at once would take the processor from those who are connected, whose acks
 * come too late then, so that they connect again. Nobody waits while the pace is kept to.
 */
export class ConnectGate<T> {
  readonly #options: ConnectGateOptions<T>;
  readonly #burst: number;
  readonly #waiting = new Set<T>();
  #tokens: number;
  #countedAtMs: number;
  #cancel: (() => void) | undefined;

  constructor(options: ConnectGateOptions<T>) {
    this.#options = options;
    this.#burst = Math.max(1, Math.floor(options.perS * BURST));
    this.#tokens = this.#burst;
    this.#countedAtMs = options.clock.monoMs();
  }

  come(who: T): void {
    if (this.#waiting.size >= this.#options.perS * WAIT_S_MAX) {
      this.#options.sendAway(who);
      return;
    }
    this.#waiting.add(who);
    if (this.#cancel === undefined) this.#go();
  }

  /** It waits no more. */
  leave(who: T): void {
    this.#waiting.delete(who);
  }

  /** Nobody is let in any more. */
  close(): void {
    this.#cancel?.();
    for (const who of this.#waiting) this.#options.sendAway(who);
    this.#waiting.clear();
  }

  #go(): void {
    this.#cancel = undefined;
    const { clock, perS, letIn } = this.#options;
    const nowMs = clock.monoMs();
    // With a burst before it, no second has more than `perS`.
    const rate = Math.max(perS - this.#burst, perS / 2) / 1_000;
    this.#tokens = Math.min(this.#burst, this.#tokens + (nowMs - this.#countedAtMs) * rate);
    this.#countedAtMs = nowMs;
    for (const who of this.#waiting) {
      if (this.#tokens < 1) break;
      this.#tokens -= 1;
      this.#waiting.delete(who);
      letIn(who);
    }
    if (this.#waiting.size === 0) return;
    const pauseMs = Math.max(1, (1 - this.#tokens) / rate);
    this.#cancel = clock.wakeIn(pauseMs, () => this.#go());
  }
}
