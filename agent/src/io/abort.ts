import type { AbortHandle } from '../core/ports.ts';

/** A handle over the platform's AbortController, which makes its signal when it is asked for it. */
class PlatformAbort implements AbortHandle {
  readonly #controller = new AbortController();

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller.abort(reason);
  }

  onAbort(listener: (reason: unknown) => void): void {
    const { signal } = this;
    if (signal.aborted) listener(signal.reason);
    else signal.addEventListener('abort', () => listener(signal.reason), { once: true });
  }
}

export const newAbort = (): AbortHandle => new PlatformAbort();

/** Every microtask has run before the next immediate does. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** From a microtask: behind all others, and before anything that comes from outside. */
export const whenSpent = (spent: () => void): void => process.nextTick(spent);
