import {
  answer,
  choice,
  count,
  integer,
  list,
  literal,
  nullable,
  number,
  string,
  time,
} from '@holdfast/protocol/json-schema';
import { callStates } from '../../../core/call.ts';
import { limit, name, question, text } from './parts.ts';

/** Calls that wait for handlers, and the services that these are for. */

const state = (rules: object = {}) => choice(callStates, rules);
const ordinal = () => integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER });

export const callsQuery = question(
  { state: state({ default: 'parked' }), limit: limit() },
  { service: name(), after: string({ pattern: '^([0-9a-f]{2}){1,1300}$' }) },
);

const parked = answer({
  ...{ at: nullable(time()), attempts: count(), code: nullable(string()), why: string() },
});

const call = answer({
  ...{ service: string(), number: count(), state: state(), device: string(), run: string() },
  ...{ key: string(), requestedAt: nullable(time()), expiresAt: nullable(time()) },
  parked: nullable(parked),
});

export const callsAnswer = answer({
  ...{ schema: literal('holdfast.calls/1'), at: time() },
  ...{ calls: list(call), next: nullable(string()) },
});

const breakers = ['closed', 'open', 'half-open'] as const;

const here = answer({
  ...{ held: count(), running: count(), waiting: count() },
  ...{ breaker: choice(breakers), pausedMs: number() },
});

export const servicesAnswer = answer({
  ...{ schema: literal('holdfast.services/1'), at: time() },
  services: list(
    answer({ service: string(), pending: count(), parked: count(), here: nullable(here) }),
  ),
});

const which = { number: ordinal() };

export const requeueBody = question({ service: name() }, which);
export const failBody = question({ service: name() }, { ...which, reason: text(512, 0) });

export const unparkedAnswer = answer({
  ...{ schema: literal('holdfast.unparked/1'), at: time(), service: string(), calls: count() },
});
