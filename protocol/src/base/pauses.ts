import type { Clock } from './ports.ts';

/** The pauses of a loop, one at a time: closing ends the one that is on, and there are no more. */
export class Pauses {
  readonly #clock: Pick<Clock, 'wakeIn'>;
  #cutShort: () => void = () => {};
  #isClosed = false;

  constructor(clock: Pick<Clock, 'wakeIn'>) {
    this.#clock = clock;
  }

  /** Resolves after that time; at once when it is closed, before or meanwhile. */
  wait(ms: number): Promise<void> {
    if (this.#isClosed) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.#clock.wakeIn(ms, resolve);
      this.#cutShort = () => {
        cancel();
        resolve();
      };
    });
  }

  close(): void {
    this.#isClosed = true;
    this.#cutShort();
  }
}
