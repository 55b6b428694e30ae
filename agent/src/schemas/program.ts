import { anything, answer, choice, count, described, list } from '@holdfast/protocol/json-schema';
import { literal, nullable, string, table, time } from '@holdfast/protocol/json-schema';
import { epoch } from './parts.ts';

/** What commands about the program itself print. */

export const ready = answer({
  ...{ schema: literal('holdfast.ready/1'), pid: count(), socket: string(), device: string() },
  epoch: epoch(),
});

export const diag = answer({
  ...{ schema: literal('holdfast.diag/1'), file: described(string(), 'absolute'), bytes: count() },
  parts: described(list(string()), 'files in it; those that could not be had end in .missing'),
});

const logFields = {
  n: described(count(), 'counts from 1 since the agent started'),
  ...{ at: time(), level: choice(['error', 'info']), message: string() },
  fields: table(anything()),
};

export const logs = answer({
  ...{ schema: literal('holdfast.logs/1'), device: string(), lines: list(answer(logFields)) },
});

export const logLine = answer({ schema: literal('holdfast.log-line/1'), ...logFields });

const setting = answer({
  value: string(),
  origin: choice(['option', 'variable', 'file', 'default']),
  place: described(string(), 'the option, the variable, or the file with its line'),
});

export const config = answer({
  schema: literal('holdfast.config/1'),
  settings: described(
    table(nullable(setting)),
    'every one, or the one asked for, by name; null: no value',
  ),
});
