import { HoldfastError, checkName } from '@holdfast/protocol';
import { sealingOf, type MarkOptions } from './mark.ts';

/** How a payload is read, and what of it leaves the device. */
export interface SignalOptions<T> extends Omit<MarkOptions, 'redact'> {
  /**
   * Reads what came: a schema's `parse`, or a function of your own. What it gives is what the run
   * gets. What it throws refuses the signal to its sender with HF_SIGNAL_REFUSED, before anything
   * is journaled. Default: every payload is taken as it comes.
   */
  readonly parse?: (payload: unknown) => T;
  /** Paths, as in `StepOptions`; or a function that makes what leaves of the payload. */
  readonly redact?: readonly string[] | ((payload: NoInfer<T>) => unknown);
}

/** What a run can be told from outside: a name, and the type of what comes with it. */
export interface Signal<T = unknown> {
  readonly kind: 'signal';
  readonly name: string;
  readonly parse?: (payload: unknown) => T;
  readonly marks: MarkOptions;
}

/** What is sent with a signal: nothing is needed where its type allows `undefined`. */
export type SignalArguments<T, O> = undefined extends T
  ? [payload?: T, options?: O]
  : [payload: T, options?: O];

/**
 * Defines a signal, once for those who wait and those who send:
 *
 *   const decision = signal<Decision>('decision');
 *   const { approved } = await ctx.waitFor(decision);
 *   await run.signal(decision, { approved: true, by: 'ada' });
 *
 * The type is that of `parse` where there is one; without either, nothing comes with it. One that
 * reads or marks its payload has to be among the `signals` of the workflows that wait for it, since
 * it may come while their code is not at work.
 *
 * @throws HF_NAME_INVALID, HF_CONFIG_INVALID
 */
export function signal<T = void>(name: string, options: SignalOptions<T> = {}): Signal<T> {
  const { parse, ...marks } = options;
  if (parse !== undefined && typeof parse !== 'function') {
    throw new HoldfastError('HF_CONFIG_INVALID', { why: `parse of ${name} is not a function` });
  }
  sealingOf(marks);
  const named = { kind: 'signal', name: checkName('signal', name) } as const;
  return Object.freeze({ ...named, ...(parse === undefined ? {} : { parse }), marks });
}

/** The signal of that name among those that a workflow reads or marks. */
export function signalOf(signals: readonly Signal[], name: string): Signal | undefined {
  return signals.find((each) => each.name === name);
}

/** The name, if it is one or has one: whether it is a name is checked where it is used. */
export function nameOf(given: Signal | string): string {
  return isSignal(given) ? given.name : given;
}

function isSignal(given: Signal | string): given is Signal {
  return typeof given === 'object' && given?.kind === 'signal';
}

/** @throws HF_CONFIG_INVALID when a workflow waits for what it would have had to declare. */
export function checkDeclared(
  given: Signal | string,
  by: { readonly workflow: string; readonly signals: readonly Signal[] },
): void {
  if (!isSignal(given)) return;
  const { name, parse, marks } = given;
  const isPlain = parse === undefined && Object.keys(marks).length === 0;
  if (isPlain || signalOf(by.signals, name) !== undefined) return;
  throw new HoldfastError('HF_CONFIG_INVALID', {
    why: `workflow ${by.workflow} waits for ${name}, which is not among its signals`,
  });
}
