import {
  HoldfastError,
  VALUE_BYTES_MAX,
  VALUE_INLINE_MAX,
  checkName,
  durationMs,
  encodeValue,
  lanes,
  type Duration,
  type Lane,
} from '@holdfast/protocol';
import { CancelScope } from './cancel-scope.ts';
import { sealingOf, unmarked } from './mark.ts';
import { mapItems } from './map-items.ts';
import type { OpRequest, PollPolicy, SleepEnd, StepPolicy } from './op.ts';
import { SeededChance } from './prng.ts';
import { checkDeclared, nameOf, type Signal } from './signal.ts';
import type {
  CallOptions,
  ChildOptions,
  CompensatedOptions,
  Context,
  EmitOptions,
  Nothing,
  RetryPolicy,
  Scope,
  StepInfo,
  UntilOptions,
  WaitOptions,
  Workflow,
} from './workflow.ts';

/** What a context needs of its run. */
export interface ContextHost {
  readonly id: string;
  readonly uid: string;
  readonly workflow: string;
  /** Those that its workflow has declared. */
  readonly signals: readonly Signal[];
  /** Wall time of the history entry that the code goes on from. */
  readonly nowMs: number;
  /** True while entries of the history are handed back. */
  readonly replaying: boolean;
  /** Begins an operation, or finds its outcome in the history. */
  request(request: OpRequest, scope: CancelScope): Promise<unknown>;
  patched(name: string): boolean;
  continueAsNew(input: Uint8Array): Promise<never>;
  cancelScope(scope: CancelScope, reason: HoldfastError): void;
  log(message: string, fields: Readonly<Record<string, unknown>>): void;
}

export function createContext(host: ContextHost, scope: CancelScope): Context {
  const draws = { numbers: new SeededChance(host.uid), ids: new SeededChance(`${host.uid}/ids`) };
  return contextIn(host, scope, draws);
}

/** What a run draws by chance: a `uuid` more changes no `random`. */
interface Draws {
  readonly numbers: SeededChance;
  readonly ids: SeededChance;
}

function contextIn(host: ContextHost, scope: CancelScope, draws: Draws): Context {
  /** Begins an operation. A bad argument rejects, so that one `catch` sees every failure. */
  const begin = <T>(make: () => OpRequest): Promise<T> => {
    let outcome: Promise<unknown>;
    try {
      outcome = host.request(make(), scope);
    } catch (error) {
      outcome = Promise.reject(error);
    }
    // What a body, a handler, a child or a sender gives is for the caller to know.
    return quiet(outcome) as Promise<T>;
  };

  const ctx: Context = Object.freeze<Context>({
    runId: host.id,
    workflow: host.workflow,
    step: <T>(name: string, body: (info: StepInfo) => unknown, options?: CompensatedOptions<T>) =>
      begin<T>(() => stepRequest(name, body, options)),
    call: <T>(service: string, input?: unknown, options: CallOptions = {}) =>
      begin<T>(() => callRequest(service, input, options)),
    waitFor: <T>(signal: Signal<T> | string, options: WaitOptions = {}) =>
      begin<T>(() => waitRequest(host, signal, options)),
    sleep: (duration) =>
      begin<void>(() => sleepRequest({ kind: 'after', ms: durationMs(duration) })),
    sleepUntil: (time) => begin<void>(() => sleepRequest({ kind: 'at', ms: momentMs(time) })),
    until: <T>(
      name: string,
      check: (info: StepInfo) => T | Nothing | Promise<T | Nothing>,
      options: UntilOptions = {},
    ) => begin<T>(() => pollRequest(name, check, options)),
    child: <I, O>(workflow: Workflow<I, O>, input: NoInfer<I>, options: ChildOptions = {}) =>
      begin<O>(() => childRequest(workflow, input, { ...options, detach: false })),
    detach: <I, O>(workflow: Workflow<I, O>, input: NoInfer<I>, options: ChildOptions = {}) =>
      begin<string>(() => childRequest(workflow, input, { ...options, detach: true })),
    map: (items, each, options = {}) => {
      const cancelled = (): HoldfastError | undefined => scope.reason;
      return quiet(mapItems(ctx, items, { each, options, cancelled }));
    },
    continueAsNew: (input) => host.continueAsNew(encodeValue(input, 'input')),
    patched: (name) => host.patched(checkName('patch', name)),
    scope: (body) => runScope(host, body, (inner) => contextIn(host, inner, draws), scope),
    shielded: (body) =>
      quiet((async () => body(contextIn(host, new CancelScope(scope, true), draws)))()),
    emit: (event, payload, options = {}) => begin<void>(() => emitRequest(event, payload, options)),
    setStatus: (status) =>
      begin<void>(() => ({
        kind: 'status',
        name: 'status',
        status: encodeValue(status, 'status', VALUE_INLINE_MAX),
      })),
    now: () => host.nowMs,
    random: () => draws.numbers.next(),
    uuid: () => draws.ids.uuid(),
    log: (message, fields = {}) => {
      if (!host.replaying) host.log(message, fields);
    },
  });
  return ctx;
}

function runScope<T>(
  host: ContextHost,
  body: (ctx: Context) => Promise<T>,
  contextOf: (scope: CancelScope) => Context,
  around: CancelScope,
): Scope<T> {
  const inner = new CancelScope(around);
  return {
    result: quiet((async () => body(contextOf(inner)))()),
    cancel: (why = 'by its own code') =>
      host.cancelScope(inner, new HoldfastError('HF_RUN_CANCELLED', { why })),
  };
}

const ignore = (): void => undefined;

/** The code may look at a failure later, days later, or never: until then it is nobody's stray. */
function quiet<T>(outcome: Promise<T>): Promise<T> {
  outcome.catch(ignore);
  return outcome;
}

interface ChildHow extends ChildOptions {
  readonly detach: boolean;
}

function childRequest(
  workflow: Workflow<never, unknown>,
  input: unknown,
  how: ChildHow,
): OpRequest {
  return {
    kind: 'child',
    name: workflow.name,
    workflow,
    input: encodeValue(input, 'input'),
    id: how.id === undefined ? undefined : checkName('run', how.id),
    isDetached: how.detach,
  };
}

function callRequest(service: string, input: unknown, options: CallOptions): OpRequest {
  if ('local' in options || 'redact' in options) {
    const why = `call ${service} cannot be local or redacted: its handler needs the input`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
  return {
    kind: 'call',
    name: checkName('service', service),
    input: encodeValue(input, 'input', VALUE_INLINE_MAX),
    timeoutMs: optionalMs(options.timeout),
  };
}

function emitRequest(event: string, payload: unknown, options: EmitOptions): OpRequest {
  if ('local' in options || 'redact' in options) {
    const why = `event ${event} is for elsewhere: give it what may leave, and no mark`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
  const lane = checkLane(options.lane);
  // What is urgent has nothing long before it.
  const bytesMax = lane === 'urgent' ? VALUE_INLINE_MAX : VALUE_BYTES_MAX;
  const encoded = encodeValue(payload, 'payload', bytesMax);
  return {
    kind: 'emit',
    name: checkName('event', event),
    payload: encoded,
    lane,
    seal: sealingOf(options)('payload', encoded),
  };
}

function waitRequest(
  { workflow, signals }: ContextHost,
  signal: Signal | string,
  options: WaitOptions,
): OpRequest {
  checkDeclared(signal, { workflow, signals });
  const name = checkName('signal', nameOf(signal));
  return { kind: 'wait', name, timeoutMs: optionalMs(options.timeout) };
}

function pollRequest(
  name: string,
  check: (info: StepInfo) => unknown,
  options: UntilOptions,
): OpRequest {
  const policy = { ...defaultPolicy, poll: pollPolicy(options) };
  return { ...stepRequest(name, check, undefined), policy, sealing: sealingOf(options) };
}

type Undo = (result: unknown, info: StepInfo) => unknown;

function sleepRequest(until: SleepEnd): OpRequest {
  return { kind: 'sleep', name: 'sleep', until };
}

function stepRequest<T>(
  name: string,
  body: (info: StepInfo) => unknown,
  options: CompensatedOptions<T> | undefined,
): Extract<OpRequest, { kind: 'step' }> {
  checkName('step', name);
  if (typeof body !== 'function') throw new TypeError(`the body of step ${name} is no function`);
  const policy = options === undefined ? defaultPolicy : stepPolicy(options);
  // The result that a compensation is given is what this step's body returned.
  const compensate = options?.compensate as Undo | undefined;
  const sealing = options === undefined ? unmarked : sealingOf(options);
  return { kind: 'step', name, body, policy, compensate, sealing };
}

/** For options that have no limit of their own. */
const NO_LIMIT = Number.POSITIVE_INFINITY;
const RETRY_DEFAULTS = { attempts: 5, minDelay: 1_000, maxDelay: 300_000, factor: 2 } as const;

function stepPolicy(options: CompensatedOptions<never>): StepPolicy {
  const retry: RetryPolicy = options.retry === false ? { attempts: 1 } : (options.retry ?? {});
  const attempts = options.atMostOnce === true ? 1 : (retry.attempts ?? RETRY_DEFAULTS.attempts);
  if (attempts !== NO_LIMIT && !(Number.isSafeInteger(attempts) && attempts >= 1)) {
    throw outOfRange('retry.attempts', attempts, 'an integer from 1, or Infinity');
  }
  const { jitter = 0, maxElapsed } = retry;
  if (!(jitter >= 0 && jitter <= 1)) throw outOfRange('retry.jitter', jitter, 'from 0 to 1');
  const minDelayMs = durationMs(retry.minDelay ?? RETRY_DEFAULTS.minDelay);
  return {
    attempts,
    minDelayMs,
    maxDelayMs: Math.max(minDelayMs, durationMs(retry.maxDelay ?? RETRY_DEFAULTS.maxDelay)),
    factor: checkFactor('retry.factor', retry.factor ?? RETRY_DEFAULTS.factor),
    jitter,
    maxElapsedMs: maxElapsed === undefined ? NO_LIMIT : durationMs(maxElapsed),
    retryIf: retry.retryIf,
    delay: retry.delay,
    timeoutMs: durationMs(options.timeout ?? 0),
    atMostOnce: options.atMostOnce === true,
    external: 'external' in options && options.external === true,
    when: typeof options.when === 'string' ? [options.when] : [...(options.when ?? [])],
    poll: undefined,
  };
}

/** Shared: most steps have no options. */
const defaultPolicy = stepPolicy({});

/** How compensations are retried: a day of trying, since giving up leaves something undone. */
export const undoPolicy: StepPolicy = stepPolicy({
  retry: { attempts: 300, minDelay: '1s', maxDelay: '5m' },
});

function pollPolicy(options: UntilOptions): PollPolicy {
  const everyMs = durationMs(options.every ?? '10s');
  return {
    everyMs,
    maxEveryMs: Math.max(everyMs, durationMs(options.maxEvery ?? '1h')),
    factor: checkFactor('factor', options.factor ?? 1),
    timeoutMs: optionalMs(options.timeout),
  };
}

function checkFactor(option: string, factor: number): number {
  if (factor >= 1 && factor <= 100) return factor;
  throw outOfRange(option, factor, 'from 1 to 100');
}

function momentMs(time: Date | number): number {
  const ms = Number(time);
  if (Number.isFinite(ms) && ms >= 0 && ms <= 8.64e15) return Math.ceil(ms);
  throw new HoldfastError('HF_DURATION_INVALID', { why: `${String(time)} is no moment` });
}

function optionalMs(duration: Duration | undefined): number | undefined {
  return duration === undefined ? undefined : durationMs(duration);
}

function checkLane(lane: Lane | undefined): Lane {
  if (lane === undefined) return 'normal';
  if (lanes.includes(lane)) return lane;
  throw outOfRange('lane', lane, lanes.join(', '));
}

function outOfRange(option: string, value: unknown, allowed: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    why: `${option} is ${String(value)}; it must be ${allowed}`,
  });
}
