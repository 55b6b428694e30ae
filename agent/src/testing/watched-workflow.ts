import type { CompensatedOptions, Context, StepInfo, Workflow } from '../core/workflow.ts';

/** A body of a step that was begun. */
export interface StepAttempt {
  readonly run: string;
  readonly workflow: string;
  readonly step: string;
  readonly attempt: number;
  /** The same in every attempt of one step. */
  readonly idempotencyKey: string;
  readonly atMostOnce: boolean;
  /** The life of the device that began it, from 1. */
  readonly boot: number;
}

type OnAttempt = (attempt: Omit<StepAttempt, 'boot'>) => void;
// An external step has one option more, which is passed on as it is.
type AnyOptions = CompensatedOptions<never>;
type StepBody = (info: StepInfo) => unknown;

/** The same workflow; each body of a step that it begins is told. */
export function watchedWorkflow<W extends Workflow<never, unknown>>(of: W, told: OnAttempt): W {
  const body = (ctx: Context, input: never) => of.body(watchedContext(ctx, told), input);
  return Object.freeze({ ...of, body });
}

function watchedContext(ctx: Context, told: OnAttempt): Context {
  const inside = (inner: Context): Context => watchedContext(inner, told);
  const step = (name: string, body: StepBody, options: AnyOptions = {}): Promise<unknown> => {
    const { runId: run, workflow } = ctx;
    const atMostOnce = options.atMostOnce === true;
    const watched = (info: StepInfo): unknown => {
      const { attempt, idempotencyKey } = info;
      told({ run, workflow, step: name, attempt, idempotencyKey, atMostOnce });
      return body(info);
    };
    // What is no function is refused by the real one; what a step gives, its options take.
    const checked = typeof body === 'function' ? watched : body;
    return ctx.step(name, checked, options as CompensatedOptions<unknown>);
  };
  return Object.freeze<Context>({
    ...ctx,
    step,
    scope: (body) => ctx.scope((inner) => body(inside(inner))),
    shielded: (body) => ctx.shielded((inner) => body(inside(inner))),
    map: (items, each, options) =>
      ctx.map(items, (item, inner, index) => each(item, inside(inner), index), options),
  });
}
