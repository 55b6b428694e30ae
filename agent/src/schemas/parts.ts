import { lanes } from '@holdfast/protocol/base';
import { answer, boolean, choice, count, described, integer } from '@holdfast/protocol/json-schema';
import { list, nullable, number, string, time } from '@holdfast/protocol/json-schema';
import { scheduleStates } from '../core/schedule-views.ts';
import { runStates } from '../core/views.ts';

/** Parts that several outputs have in common. */

export const lane = () => choice(lanes);
export const epoch = () => described(count(), 'life of the journal, from 1');
export const seq = () => described(count(), 'position in its lane, from 1');
export const bytes = () => count();
export const maybeTime = () => nullable(time());
export const runState = () => choice(runStates);
export const scheduleState = () => choice(scheduleStates);
/** Negative or with a fraction. */
export const amount = () => number();
export const version = () => integer({ minimum: 1 });

export const problem = () =>
  answer({
    code: described(string(), 'stable, see docs/ERRORS.md'),
    ...{ message: string(), hint: string() },
  });

export const holes = () =>
  described(
    answer({ count: count(), entries: count(), bytes: bytes() }),
    'ranges that will never come, and what they took the place of',
  );

export const laneBacklog = () =>
  answer({
    lane: lane(),
    head: described(count(), 'highest seq journaled; 0: none'),
    sent: described(count(), 'highest seq handed to the broker in this session'),
    acked: described(count(), 'highest seq acknowledged by the ledger'),
    pending: described(count(), 'entries between acked and head that are here'),
    ...{ bytes: bytes(), holes: holes() },
    oldestAt: described(maybeTime(), 'when the oldest pending entry was journaled'),
  });

export const setAside = () =>
  described(
    list(answer({ lane: lane(), seq: seq(), bytes: bytes(), reason: string() })),
    'entries that no message can carry',
  );

const meter = answer({
  isOpen: described(boolean(), 'whether the link may be used now'),
  usedBytes: bytes(),
  budgetBytes: nullable(count()),
  per: nullable(choice(['day', 'month'])),
  changesAt: described(maybeTime(), 'when it opens or closes by itself'),
});

export const link = () =>
  answer({
    state: choice(['none', 'offline', 'connecting', 'syncing', 'synced', 'stuck', 'stopped']),
    gateway: nullable(string()),
    ...{ since: maybeTime(), lastAckAt: maybeTime(), nextTryAt: maybeTime() },
    attempt: described(count(), 'since the last session'),
    problem: described(nullable(problem()), 'why it is offline or stuck'),
    resends: described(count(), 'batches sent again since the agent started'),
    metered: described(nullable(meter), 'of a link that costs; null: any link'),
  });

/** An error as far as a person sees it. */
export const errorFields = { name: string(), message: string() };
