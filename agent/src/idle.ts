import type { Runtime } from './core/runtime.ts';

/** Resolves once no body of a step is at work, or after that time. */
export async function idle(runtime: Runtime, graceMs: number): Promise<void> {
  const end = performance.now() + graceMs;
  while (runtime.isExecuting() && performance.now() < end) {
    await runtime.onceChanged(end - performance.now());
  }
}
