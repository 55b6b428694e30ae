import { entry, ofKind } from './fleet.ts';
import {
  anything,
  boolean,
  described,
  list,
  literal,
  nullable,
  object,
  string,
} from '@holdfast/protocol/json-schema';
import { answer, count, lane, limit, name, question, text, time } from './parts.ts';

/** The ledger as a whole, and what it holds on somebody. */

const fault = answer({
  ...{ device: string(), epoch: count(), lane: lane(), seq: count(), why: string() },
});

export const verifyAnswer = answer({
  ...{ schema: literal('holdfast.verify/1'), at: time(), whole: boolean() },
  ...{ entries: count(), lanes: count(), holes: answer({ count: count(), entries: count() }) },
  pruned: count(),
  contents: answer({ held: count(), absent: count(), erased: count() }),
  faults: list(fault),
});

export const eraseBody = question({ subject: name(), by: name() }, { reason: text(512, 0) });

const range = answer({
  ...{ device: string(), epoch: count(), lane: lane(), first: count(), last: count() },
});

export const erasureAnswer = answer({
  ...{ schema: literal('holdfast.erasure/1'), at: nullable(time()) },
  ...{ by: string(), reason: string(), contents: count(), bytes: count() },
  ...{ commands: count(), complete: boolean(), ranges: list(range) },
});

export const erasuresQuery = question({ limit: limit() }, {});

export const erasuresAnswer = answer({
  ...{ schema: literal('holdfast.erasures/1'), at: time(), erasures: list(erasureAnswer) },
});

export const pruningsAnswer = answer({
  ...{ schema: literal('holdfast.prunings/1'), at: time() },
  prunings: list(
    answer({
      ...{ at: nullable(time()), entries: count(), bytes: count(), runs: count() },
      commands: described(count(), 'that were answered, with what became of them'),
    }),
  ),
});

export const heldBody = question(
  { subject: name(), limit: limit() },
  { after: string({ pattern: '^([0-9a-f]{2}){1,512}$' }) },
);

export const heldEntry = { device: string(), ...entry.properties };
export const heldCommand = {
  ...{ device: string(), number: count(), kind: string(), run: string() },
  payload: anything(),
};

export const heldAnswer = answer({
  ...{ schema: literal('holdfast.held/1'), at: time() },
  entries: list(object(heldEntry, {}, ofKind)),
  ...{ commands: list(answer(heldCommand)), next: nullable(string()) },
});
