import {
  HoldfastError,
  checkName,
  durationMs,
  encodeValue,
  lanes,
  type Lane,
} from '@holdfast/protocol';
import type { OpRequest, StepPolicy } from './op.ts';
import { SeededChance } from './prng.ts';
import type { Context, RetryPolicy, StepOptions } from './workflow.ts';

/** What a context needs of its run. */
export interface ContextHost {
  readonly id: string;
  readonly uid: string;
  readonly workflow: string;
  /** Wall time of the history entry that the code goes on from. */
  readonly nowMs: number;
  /** True while entries of the history are handed back. */
  readonly replaying: boolean;
  /** Begins an operation, or finds its outcome in the history. */
  request(request: OpRequest): Promise<unknown>;
  log(message: string, fields: Readonly<Record<string, unknown>>): void;
}

export function createContext(host: ContextHost): Context {
  const chance = new SeededChance(host.uid);
  return Object.freeze<Context>({
    runId: host.id,
    workflow: host.workflow,
    // The outcome is what the body returned, in its stored form, which deep-equals it.
    step: (name, body, options = {}) =>
      begin(host, () => ({
        kind: 'step',
        ...checkStep(name, body),
        policy: stepPolicy(options),
      })),
    // What a handler or a sender gives is for the caller to know.
    call: (service, input, options = {}) =>
      begin(host, () => ({
        kind: 'call',
        name: checkName('service', service),
        input: encodeValue(input, 'input'),
        timeoutMs: optionalMs(options.timeout),
      })),
    waitFor: (signal, options = {}) =>
      begin(host, () => ({
        kind: 'wait',
        name: checkName('signal', signal),
        timeoutMs: optionalMs(options.timeout),
      })),
    sleep: (duration) =>
      begin(host, () => ({ kind: 'sleep', name: 'sleep', durationMs: durationMs(duration) })),
    emit: (event, payload, options = {}) =>
      begin(host, () => ({
        kind: 'emit',
        name: checkName('event', event),
        payload: encodeValue(payload, 'payload'),
        lane: checkLane(options.lane),
      })),
    setStatus: (status) =>
      begin(host, () => ({
        kind: 'status',
        name: 'status',
        status: encodeValue(status, 'status'),
      })),
    now: () => host.nowMs,
    random: () => chance.next(),
    uuid: () => chance.uuid(),
    log: (message, fields = {}) => {
      if (!host.replaying) host.log(message, fields);
    },
  });
}

/** Begins an operation. A bad argument rejects, so that one `catch` sees every failure. */
function begin<T>(host: ContextHost, make: () => OpRequest): Promise<T> {
  const outcome = (async () => host.request(make()))();
  // A failure that the code never looks at must not end the process.
  outcome.catch(() => undefined);
  return outcome as Promise<T>;
}

function checkLane(lane: Lane | undefined): Lane {
  if (lane === undefined) return 'normal';
  if (lanes.includes(lane)) return lane;
  throw outOfRange('lane', lane, lanes.join(', '));
}

function optionalMs(duration: number | string | undefined): number | undefined {
  return duration === undefined ? undefined : durationMs(duration);
}

function checkStep(name: unknown, body: unknown): { name: string; body: () => unknown } {
  checkName('step', name);
  if (typeof body !== 'function') throw new TypeError(`the body of step ${name} is no function`);
  return { name: name as string, body: body as () => unknown }; // As was just checked.
}

const RETRY_DEFAULTS = { attempts: 5, minDelay: 1_000, maxDelay: 300_000, factor: 2 } as const;

function stepPolicy(options: StepOptions): StepPolicy {
  const retry: RetryPolicy = options.retry === false ? { attempts: 1 } : (options.retry ?? {});
  const attempts = retry.attempts ?? RETRY_DEFAULTS.attempts;
  if (attempts !== Number.POSITIVE_INFINITY && !(Number.isSafeInteger(attempts) && attempts >= 1)) {
    throw outOfRange('retry.attempts', attempts, 'an integer from 1, or Infinity');
  }
  const factor = retry.factor ?? RETRY_DEFAULTS.factor;
  if (!(factor >= 1 && factor <= 100)) throw outOfRange('retry.factor', factor, 'from 1 to 100');
  const minDelayMs = durationMs(retry.minDelay ?? RETRY_DEFAULTS.minDelay);
  const timeoutMs = durationMs(options.timeout ?? 0);
  const maxDelayMs = Math.max(minDelayMs, durationMs(retry.maxDelay ?? RETRY_DEFAULTS.maxDelay));
  return { attempts, minDelayMs, maxDelayMs, factor, timeoutMs };
}

function outOfRange(option: string, value: unknown, allowed: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    why: `${option} is ${String(value)}; it must be ${allowed}`,
  });
}
