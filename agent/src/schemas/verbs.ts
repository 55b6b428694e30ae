import { answer, boolean, count, described, list } from '@holdfast/protocol/json-schema';
import { literal, object, string, time } from '@holdfast/protocol/json-schema';
import { bytes, lane } from './parts.ts';

/** What commands that change something print: it is durable then. */

export const started = object(
  {
    ...{ schema: literal('holdfast.started/1'), id: string() },
    created: described(boolean(), 'false: a run of this id and input was there already'),
  },
  { line: described(count(), 'of the file that was given') },
);

export const startedLines = answer({
  schema: literal('holdfast.started-lines/1'),
  ...{ started: count(), attached: count(), refused: count() },
});

const aboutRun = <const T extends string>(schema: T) =>
  answer({ schema: literal(schema), run: string() });

export const cancelled = aboutRun('holdfast.cancelled/1');
export const paused = aboutRun('holdfast.paused/1');
export const resumed = aboutRun('holdfast.resumed/1');
export const retried = aboutRun('holdfast.retried/1');

export const signalled = answer({
  ...{ schema: literal('holdfast.signalled/1'), run: string(), name: string() },
});

export const skipped = answer({
  ...{ schema: literal('holdfast.skipped/1'), run: string(), step: string() },
});

export const forked = answer({
  ...{ schema: literal('holdfast.forked/1'), run: string(), step: string() },
  id: described(string(), 'of the new run'),
});

export const tokenCompleted = answer({
  ...{ schema: literal('holdfast.token-completed/1'), failed: boolean() },
});

export const emitted = answer({
  ...{ schema: literal('holdfast.emitted/1'), name: string(), lane: lane() },
});

export const erased = answer({
  ...{ schema: literal('holdfast.erased/1'), contents: count(), bytes: bytes() },
  cancelled: described(list(string()), 'runs that were ended for it'),
});

const aboutSchedule = <const T extends string>(schema: T) =>
  answer({ schema: literal(schema), schedule: string() });

export const schedulePaused = aboutSchedule('holdfast.schedule-paused/1');
export const scheduleResumed = aboutSchedule('holdfast.schedule-resumed/1');
export const scheduleTriggered = answer({
  ...{ schema: literal('holdfast.schedule-triggered/1'), schedule: string(), run: string() },
});

export const enrolled = object(
  {
    ...{ schema: literal('holdfast.enroll/1'), device: string(), key: string() },
    certificateUntil: time(),
    gateway: string(),
  },
  {
    roundTripMs: described(count(), 'to the gateway and back, over the broker'),
    untested: described(string(), 'why nothing went there and back; absent where it did'),
  },
);
