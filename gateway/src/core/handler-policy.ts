import { HoldfastError, durationMs, messageOf } from '@holdfast/protocol';
import type { RepeatPolicy } from './handler-ports.ts';
import type { GateLimits } from './service-gate.ts';

/** How a service is treated. */
export interface HandlerPolicy extends RepeatPolicy, GateLimits {
  /** Longest time of one attempt. */
  readonly timeoutMs: number;
  /**
   * What becomes of a call whose attempts are used up. `park`: it waits for a person, who has it
   * executed again or fails it; the device goes on waiting, until the call expires. `fail`: it
   * fails on the device.
   */
  readonly exhausted: 'park' | 'fail';
}

/** How calls are attempted where nothing else is said. */
export const handlerPolicyDefault: HandlerPolicy = Object.freeze({
  // The pauses between them add up to 8 and a half minutes.
  attempts: 10,
  minDelayMs: 1_000,
  maxDelayMs: 300_000,
  timeoutMs: 30_000,
  concurrency: 8,
  rate: undefined,
  breaker: Object.freeze({ failures: 5, minPauseMs: 1_000, maxPauseMs: 60_000 }),
  exhausted: 'park',
});

/** Attempts that may begin in a time; more than that is a mistake. */
const RATE_MAX = 1_000_000;

/** A policy with what it does not say. @throws HF_CONFIG_INVALID for one that cannot be kept. */
export function completePolicy(policy: Partial<HandlerPolicy> = {}): HandlerPolicy {
  const complete = { ...handlerPolicyDefault, ...policy };
  const { rate, breaker } = complete;
  atLeast('attempts', complete.attempts, 1);
  atLeast('concurrency', complete.concurrency, 1);
  atLeast('timeoutMs', complete.timeoutMs, 1);
  atLeast('minDelayMs', complete.minDelayMs, 0);
  atLeast('maxDelayMs', complete.maxDelayMs, 0);
  atLeast('breaker.failures', breaker.failures, 1);
  atLeast('breaker.minPauseMs', breaker.minPauseMs, 1);
  atLeast('breaker.maxPauseMs', breaker.maxPauseMs, breaker.minPauseMs);
  if (rate !== undefined) {
    atLeast('rate.attempts', rate.attempts, 1);
    atLeast('rate.perMs', rate.perMs, 1);
  }
  return complete;
}

function atLeast(name: string, value: unknown, least: number): void {
  if (typeof value === 'number' && value >= least) return;
  throw new HoldfastError('HF_CONFIG_INVALID', { why: `${name} of handlers is ${String(value)}` });
}

/** Reads one setting of a policy. */
const settings: Readonly<Record<string, (text: string) => Partial<HandlerPolicy>>> = {
  attempts: (text) => ({ attempts: text === 'unlimited' ? Number.POSITIVE_INFINITY : whole(text) }),
  concurrency: (text) => ({ concurrency: whole(text) }),
  timeout: (text) => ({ timeoutMs: durationMs(text) }),
  'min-delay': (text) => ({ minDelayMs: durationMs(text) }),
  'max-delay': (text) => ({ maxDelayMs: durationMs(text) }),
  rate: (text) => ({ rate: rateOf(text) }),
  breaker: (text) => ({ breaker: { ...handlerPolicyDefault.breaker, failures: whole(text) } }),
  exhausted: (text) => ({ exhausted: choiceOf(text) }),
};

/**
 * Reads a policy from text such as `timeout=10s,concurrency=2,rate=100/1m,exhausted=fail`.
 *
 * @throws HF_USAGE, with what is wrong with it.
 */
export function readPolicy(text: string): Partial<HandlerPolicy> {
  let policy: Partial<HandlerPolicy> = {};
  for (const part of text.split(',')) {
    const [name = '', value = ''] = part.split('=', 2).map((each) => each.trim());
    const read = Object.hasOwn(settings, name) ? settings[name] : undefined;
    if (read === undefined) {
      const known = Object.keys(settings).join(', ');
      throw unreadable(`there is no ${JSON.stringify(name)}, only ${known}`);
    }
    try {
      policy = { ...policy, ...read(value) };
    } catch (cause) {
      throw unreadable(`${part.trim()}: ${messageOf(cause)}`);
    }
  }
  completePolicy(policy);
  return policy;
}

function whole(text: string): number {
  if (/^[1-9]\d{0,8}$/.test(text)) return Number(text);
  throw unreadable('it takes a whole number from 1 on');
}

function rateOf(text: string): HandlerPolicy['rate'] {
  const [, count = '', per = ''] = /^(\d{1,7})\/(.+)$/.exec(text) ?? [];
  const attempts = Number(count);
  if (attempts >= 1 && attempts <= RATE_MAX) {
    return { attempts, perMs: durationMs(/^\d/.test(per) ? per : `1${per}`) };
  }
  throw unreadable('it takes a number of attempts in a time, such as 5/s or 100/1m');
}

function choiceOf(text: string): HandlerPolicy['exhausted'] {
  if (text === 'park' || text === 'fail') return text;
  throw unreadable('it takes park or fail');
}

function unreadable(why: string): HoldfastError {
  return new HoldfastError('HF_USAGE', { why });
}
