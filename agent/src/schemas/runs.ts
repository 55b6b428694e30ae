import { anything, answer, boolean, choice, count } from '@holdfast/protocol/json-schema';
import { described, list, literal, nullable, object } from '@holdfast/protocol/json-schema';
import { string, table, time, type JsonSchema } from '@holdfast/protocol/json-schema';
import * as parts from './parts.ts';
import { amount, bytes, epoch, errorFields, lane, maybeTime, runState, seq } from './parts.ts';

/** Runs, their histories, and the journal that they are in. */

const value = () => described(anything(), 'JSON form; null where there is none');
const clock = () => choice(['ok', 'corrected', 'unsynced']);
const error = () => object(errorFields, { code: string() });

const runFields = {
  ...{ id: string(), workflow: string(), version: parts.version(), state: runState() },
  status: described(anything(), 'what the workflow said of itself last'),
  at: described(nullable(string()), 'the operation it is at'),
  attempt: described(count(), 'of that operation; 0 when it is no step'),
  ...{ startedAt: time(), updatedAt: time() },
  nextAt: described(maybeTime(), 'when it goes on by itself'),
};
const runEnds = {
  ...{ output: described(anything(), 'once completed'), error: error() },
  synced: described(
    answer({ entries: count(), acked: count() }),
    'entries of its history, and those that the ledger has; in lists',
  ),
};

export const runs = answer({
  ...{ schema: literal('holdfast.runs/1'), device: string() },
  runs: list(object(runFields, runEnds)),
  next: described(nullable(string()), 'the cursor of the next page'),
});

const historyRow = answer({
  ...{ n: count(), lane: lane(), seq: seq(), kind: string(), at: time(), clock: clock() },
  deviceAt: described(maybeTime(), 'what the device took for the time then, where another'),
  ...{ name: nullable(string()), attempt: nullable(count()), synced: boolean() },
  value: value(),
  op: described(nullable(count()), 'operations count from 1; null: of the run itself'),
  tookMs: nullable(amount()),
});

const lastError = object(
  { ...errorFields, step: string(), attempt: count(), at: time() },
  { code: string() },
);

export const run = object(
  {
    ...{ schema: literal('holdfast.run/1'), ...runFields, input: anything() },
    uid: described(nullable(string()), 'what the idempotency keys of its steps begin with'),
    lastError: described(nullable(lastError), 'that it has not got over'),
    waitsFor: described(nullable(string()), 'in words'),
    history: list(historyRow),
  },
  runEnds,
);

const entryFields = described(
  nullable(table(anything())),
  'fields of the entry; null: the bytes do not decode',
);

export const history = answer({
  ...{ schema: literal('holdfast.history/1'), device: string(), epoch: epoch(), run: string() },
  ...{ workflow: string(), version: parts.version(), state: runState() },
  entries: list(
    object(
      {
        ...{ n: count(), lane: lane(), seq: seq() },
        ...{ bytes: described(string(), 'hexadecimal'), entry: entryFields },
      },
      { content: described(string(), 'hexadecimal, the value that was sealed in it') },
    ),
  ),
});

const journalRow = {
  ...{ lane: lane(), seq: seq(), at: time(), clock: clock(), deviceAt: maybeTime() },
  ...{ kind: string(), run: nullable(string()), name: nullable(string()), bytes: bytes() },
  ...{ synced: boolean(), value: value() },
};
const journalHex = { hex: described(string(), 'its bytes, where they were asked for') };
const isPartial: JsonSchema<true> = { type: 'boolean', const: true };

export const journal = object(
  {
    ...{ schema: literal('holdfast.journal/1'), device: string(), epoch: epoch() },
    rows: list(object(journalRow, journalHex)),
  },
  { partial: described(isPartial, 'more of it may lie further back than was looked') },
);

export const journalLine = object(
  { schema: literal('holdfast.journal-row/1'), ...journalRow },
  journalHex,
);

/** A line of `store export` and `store salvage`. */
export const entry = answer({
  ...{ schema: literal('holdfast.entry/1'), device: nullable(string()), epoch: nullable(count()) },
  ...{ lane: lane(), seq: seq(), acked: boolean(), bytes: described(string(), 'hexadecimal') },
  entry: entryFields,
});

export const schedules = answer({
  ...{ schema: literal('holdfast.schedules/1'), device: string() },
  schedules: list(
    answer({
      ...{ id: string(), workflow: string(), cron: string(), timezone: string() },
      ...{ missed: string(), overlap: string(), state: parts.scheduleState() },
      ...{ nextAt: maybeTime(), lastSlotAt: maybeTime(), lastRun: nullable(string()) },
      buffered: count(),
    }),
  ),
});
