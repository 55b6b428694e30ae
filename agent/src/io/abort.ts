import type { AbortHandle } from '../core/ports.ts';

/** Handles over the platform's AbortController, which makes its signal when it is asked for it. */
export function newAbort(): AbortHandle {
  const controller = new AbortController();
  return {
    get signal() {
      return controller.signal;
    },
    abort: (reason) => controller.abort(reason),
    onAbort(listener) {
      const { signal } = controller;
      if (signal.aborted) listener(signal.reason);
      else signal.addEventListener('abort', () => listener(signal.reason), { once: true });
    },
  };
}

/** Every microtask has run before the next immediate does. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
