import type { OnStray } from '../core/ports.ts';

type Listener = Parameters<OnStray>[0];

const listeners = new Set<Listener>();

/**
 * Rejections that nobody handles, in this process. Those that no listener takes end the process,
 * as they do without us, unless the program listens to them itself.
 */
export const onStray: OnStray = (listener) => {
  if (listeners.size === 0) process.on('unhandledRejection', tell);
  listeners.add(listener);
  return () => {
    if (listeners.delete(listener) && listeners.size === 0) process.off('unhandledRejection', tell);
  };
};

function tell(reason: unknown, rejected: Promise<unknown>): void {
  for (const listener of listeners) {
    if (!listener(reason)) continue;
    // Whoever else listens is told that it has been seen to.
    rejected.catch(() => undefined);
    return;
  }
  if (process.listenerCount('unhandledRejection') === 1) throw reason;
}
