import type { AbortHandle } from '../core/ports.ts';

/** Handles over the platform's AbortController. */
export function newAbort(): AbortHandle {
  const controller = new AbortController();
  const { signal } = controller;
  return {
    signal,
    abort: (reason) => controller.abort(reason),
    onAbort(listener) {
      if (signal.aborted) listener(signal.reason);
      else signal.addEventListener('abort', () => listener(signal.reason), { once: true });
    },
  };
}

/** Every microtask has run before the next immediate does. */
export const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
