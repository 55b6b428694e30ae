import type { Clock } from '@holdfast/protocol';

/** Later than that, a process has more to do than it can: work that can be left is left. */
export const LATE_MS = 250;

const TICK_MS = 100;
/** One late tick may be a collection of garbage: it is half forgotten with the next one. */
const FADES = 0.5;

/**
 * How late a process is with what it is to do: by how much a timer comes after its time. All that
 * devices wait for waits as long, so it grows before anything else tells of overload.
 */
export class Lateness {
  readonly #clock: Pick<Clock, 'monoMs' | 'wakeIn'>;
  #ms = 0;
  #dueAtMs = 0;
  #cancel: () => void = () => {};

  constructor(clock: Pick<Clock, 'monoMs' | 'wakeIn'>) {
    this.#clock = clock;
    this.#wait();
  }

  /** Of late. Also while the process is held up and no timer has come yet. */
  get ms(): number {
    return Math.max(this.#ms, this.#clock.monoMs() - this.#dueAtMs, 0);
  }

  close(): void {
    this.#cancel();
  }

  #wait(): void {
    this.#dueAtMs = this.#clock.monoMs() + TICK_MS;
    this.#cancel = this.#clock.wakeIn(TICK_MS, () => {
      const lateMs = Math.max(0, this.#clock.monoMs() - this.#dueAtMs);
      this.#ms = Math.max(lateMs, this.#ms * FADES);
      this.#wait();
    });
  }
}
