import type { AbortHandle } from '../core/ports.ts';

/** A handle over the platform's AbortController, which is made when it is needed. */
class PlatformAbort implements AbortHandle {
  #controller: AbortController | undefined;

  get signal(): AbortSignal {
    this.#controller ??= new AbortController();
    return this.#controller.signal;
  }

  abort(reason: unknown): void {
    this.#controller ??= new AbortController();
    this.#controller.abort(reason);
  }

  onAbort(listener: (reason: unknown) => void): void {
    const { signal } = this;
    if (signal.aborted) listener(signal.reason);
    else signal.addEventListener('abort', () => listener(signal.reason), { once: true });
  }
}

export const newAbort = (): AbortHandle => new PlatformAbort();

const settled = Promise.resolve();
const inMicrotask = (work: () => void): void => void settled.then(work);

/** Every microtask has run before the next immediate does; `work` is one, for `whenSpent`. */
export const turn = (work: () => void): void => void setImmediate(inMicrotask, work);

/** From a microtask: behind all others, and before anything that comes from outside. */
export const whenSpent = (spent: () => void): void => process.nextTick(spent);
