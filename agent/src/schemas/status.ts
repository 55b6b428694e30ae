import { answer, boolean, choice, count, described } from '@holdfast/protocol/json-schema';
import { list, literal, nullable } from '@holdfast/protocol/json-schema';
import { object, string, time } from '@holdfast/protocol/json-schema';
import { timeSources } from '../core/boots.ts';
import { scheduleStates } from '../core/schedule-views.ts';
import { lastEnds, runStates } from '../core/views.ts';
import * as common from './parts.ts';
import { amount, bytes, epoch, holes, laneBacklog, link, maybeTime, problem } from './parts.ts';

/** How the device is: what `status`, `backlog`, `check` and `doctor` print. */

const running = answer({
  ...{ version: string(), running: boolean(), pid: nullable(count()), startedAt: maybeTime() },
  lastEnd: described(choice(lastEnds), 'of the agent before it; cut: with its machine'),
  tornBytes: described(bytes(), 'of a last write that nobody was told of, cut off by that end'),
});

const clock = answer({
  source: described(choice(timeSources), 'who is believed'),
  at: time(),
  wallAheadMs: described(amount(), 'how far the wall clock is ahead of it'),
});

const syncs = answer({ count: count(), p50: amount(), p99: amount(), max: amount() });

const journal = answer({
  state: described(choice(['ok', 'full', 'failed']), 'full and failed refuse new work'),
  usedBytes: described(bytes(), 'what the entries that are kept take'),
  maxBytes: described(nullable(count()), 'what they may take; null: the agent does not run'),
  fileBytes: described(nullable(count()), 'what the files of the store take'),
  diskFreeBytes: nullable(count()),
  fullInMs: described(
    nullable(count()),
    'until nothing more fits in, at the rate since the oldest pending entry; null: not known',
  ),
  syncMs: described(nullable(syncs), 'how long the last 256 commits took'),
  since: described(maybeTime(), 'since when it is not ok'),
  problem: nullable(problem()),
});

const pending = {
  ...{ pending: count(), bytes: bytes(), oldestAt: maybeTime(), holes: holes() },
  ...{ setAside: common.setAside(), lanes: list(laneBacklog()) },
};

const ahead = answer({
  ...pending,
  usualPerS: described(
    nullable(amount()),
    'entries acknowledged when a backlog drained last; null: not known',
  ),
  catchUpMs: described(
    nullable(count()),
    'how long the link must be there until nothing is pending, about; null: not known',
  ),
});

const counted = <const T extends string>(states: readonly T[]) => {
  const fields = Object.fromEntries(states.map((state) => [state, count()]));
  return object({}, fields as Readonly<Record<T, ReturnType<typeof count>>>);
};

export const status = answer({
  ...{ schema: literal('holdfast.status/1'), device: string(), epoch: epoch() },
  key: described(nullable(string()), "name of the device's key; null: it has none yet"),
  certificate: described(nullable(answer({ expiresAt: time() })), 'null: it was not enrolled'),
  agent: running,
  clock: described(nullable(clock), 'null: the agent does not run'),
  ...{ link: link(), journal, backlog: ahead },
  runs: described(counted(runStates), 'by state; states without runs are left out'),
  schedules: counted(scheduleStates),
  problems: list(problem()),
});

const rates = answer({
  overMs: described(count(), 'over how long; below 1000: too short to tell'),
  inPerS: described(amount(), 'entries journaled'),
  outPerS: described(amount(), 'entries acknowledged by the ledger'),
});

const part = { pending: count(), bytes: bytes() };
const parts = answer({
  read: described(count(), 'entries that were read for it; fewer than pending: an estimate'),
  byWorkflow: list(
    answer({
      workflow: described(nullable(string()), 'null: of no run'),
      ...{ ...part, oldestAt: maybeTime() },
      runs: described(count(), 'seen among what was read'),
    }),
  ),
  byKind: list(answer({ kind: string(), ...part })),
});

export const backlog = object(
  {
    ...{ schema: literal('holdfast.backlog/1'), device: string(), at: time(), link: link() },
    ...pending,
  },
  {
    rates: described(rates, 'absent: the agent does not run'),
    parts: described(parts, 'where it was asked for: what is pending, the most first'),
  },
);

const finding = object(
  {
    check: described(string(), 'what was looked at'),
    level: choice(['ok', 'warning', 'failure', 'skipped']),
    text: string(),
  },
  { hint: string(), code: string() },
);

export const doctor = answer({
  schema: literal('holdfast.doctor/1'),
  ...{ ok: count(), warnings: count(), failures: count(), skipped: count() },
  findings: list(finding),
});

export const nudged = answer({ schema: literal('holdfast.nudged/1'), link: link() });
