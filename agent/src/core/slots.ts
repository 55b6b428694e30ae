import type { DeviceTime } from './device-time.ts';

/** When the slots of one cron expression are. */
export interface Calendar {
  /** The first slot after that time, both in ms since 1970; on a whole second. */
  nextAfter(afterMs: number): number;
}

/** Something that is due at moments of the wall clock. */
export interface SlotWaiter {
  /** Wall time, ms since 1970. Infinity: never. */
  readonly nextAtMs: number;
  /** Called once `nextAtMs` has come, and not before it was changed again. */
  fire(nowMs: number): void;
  /** The wall clock was set, or the host slept. */
  clockSet(fromMs: number, toMs: number): void;
}

/** A wall clock that was set is noticed within this time. */
const WATCH_MS = 10_000;
/** What wall and monotonic time may differ by between two looks without it being a jump. */
const DRIFT_MS_MAX = 2_000;
/**
 * Waits for moments of the wall clock, for all schedules with one wake-up, however the clock moves.
 *
 * Nothing fires before the time can be believed: a device that boots in 1970 waits until somebody
 * tells it the time.
 */
export class Slots {
  readonly #time: DeviceTime;
  readonly #waiters = new Set<SlotWaiter>();
  #seen: { readonly wallMs: number; readonly monoMs: number };
  /** The time when it could be believed last, if it was set since. */
  #believedMs: number | undefined;
  #cancelWake: (() => void) | undefined;

  constructor(time: DeviceTime) {
    this.#time = time;
    this.#seen = { wallMs: time.nowMs(), monoMs: time.monoMs() };
  }

  /** @returns Stops. */
  add(waiter: SlotWaiter): () => void {
    this.#lookAtClock();
    this.#waiters.add(waiter);
    this.wake();
    return () => {
      this.#waiters.delete(waiter);
      this.wake();
    };
  }

  /** Sets the wake-up anew, after a waiter's next moment has changed. */
  wake(): void {
    this.#cancelWake?.();
    this.#cancelWake = undefined;
    if (this.#waiters.size === 0) return;
    const nextAtMs = Math.min(...Array.from(this.#waiters, (waiter) => waiter.nextAtMs));
    const restMs = this.#time.isTrusted ? nextAtMs - this.#time.nowMs() : WATCH_MS;
    const delayMs = Math.min(WATCH_MS, Math.max(1, restMs));
    this.#cancelWake = this.#time.wakeIn(delayMs, () => this.#fireDue());
  }

  close(): void {
    this.#waiters.clear();
    this.wake();
  }

  #fireDue(): void {
    this.#lookAtClock();
    const { wallMs } = this.#seen;
    if (this.#time.isTrusted) {
      for (const waiter of [...this.#waiters]) {
        const isDue = this.#waiters.has(waiter) && waiter.nextAtMs <= wallMs;
        if (isDue) waiter.fire(wallMs);
      }
    }
    this.wake();
  }

  #lookAtClock(): void {
    const before = this.#seen;
    const now = { wallMs: this.#time.nowMs(), monoMs: this.#time.monoMs() };
    this.#seen = now;
    const byMs = now.wallMs - before.wallMs - (now.monoMs - before.monoMs);
    if (Math.abs(byMs) > DRIFT_MS_MAX) this.#believedMs ??= before.wallMs;
    if (this.#believedMs === undefined || !this.#time.isTrusted) return;
    const fromMs = this.#believedMs;
    this.#believedMs = undefined;
    for (const waiter of this.#waiters) waiter.clockSet(fromMs, now.wallMs);
  }
}
