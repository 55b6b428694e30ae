import type { Op } from './op.ts';
import type { Standing } from './progress.ts';

type State = Standing['state'];

const isStep = (op: Op): boolean => op.request.kind === 'step';

/** What a run with several open operations is said to do: the first of these that it does. */
const order: readonly (readonly [State, (op: Op) => boolean])[] = [
  ['running', (op) => op.executing],
  ['waiting-condition', (op) => op.awaits !== undefined],
  ['retrying', (op) => isStep(op) && op.attempts > 0 && !op.handed],
  ['waiting-call', (op) => op.request.kind === 'call'],
  ['waiting-signal', (op) => ['wait', 'child'].includes(op.request.kind) || op.handed],
  ['sleeping', (op) => op.request.kind === 'sleep' || (isStep(op) && op.dueAtMs > 0)],
];

/** How a live run stands. */
export function standingOf(run: { readonly paused: boolean; open(): readonly Op[] }): Standing {
  const open = run.open();
  for (const [state, is] of order) {
    const op = open.find(is);
    if (op === undefined) continue;
    const attempt = isStep(op) ? op.attempts + (op.executing ? 1 : 0) : 0;
    const at = op.awaits === undefined ? op.request.name : `${op.request.name} (${op.awaits})`;
    const nextAtMs = op.executing ? 0 : op.dueAtMs;
    return { state: run.paused ? 'paused' : state, at, attempt, nextAtMs };
  }
  const at = open[0]?.request.name ?? '';
  return { state: run.paused ? 'paused' : 'running', at, attempt: 0, nextAtMs: 0 };
}
