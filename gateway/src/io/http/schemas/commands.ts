import { commandKinds } from '../../../core/api-command.ts';
import { outcomes, TAG_LENGTH_MAX, TAGS_MAX } from '../../../core/dispatch.ts';
import {
  anything,
  boolean,
  choice,
  described,
  integer,
  list,
  literal,
  nullable,
} from '@holdfast/protocol/json-schema';
import { object, string, table } from '@holdfast/protocol/json-schema';
import { answer, count, cursor, limit, name, question, text, time } from './parts.ts';

/** Commands to devices, and the tags by which they are meant. */

const tags = () => table(text(TAG_LENGTH_MAX, 0), { maxProperties: TAGS_MAX });

export const tagsBody = question({ tags: tags() }, {});
export const taggedAnswer = answer({
  ...{ schema: literal('holdfast.tagged/1'), at: time(), device: string(), tags: tags() },
});

/** Exactly one of them. */
const to = object({}, { device: string(), tags: tags(), all: boolean() });

export const issueBody = question(
  { kind: choice(commandKinds), to, expiresAt: nullable(time()) },
  {
    ...{ id: name(), run: name(), name: name(), by: name() },
    payload: anything({ description: 'input, payload, result or setting; or a reason' }),
  },
);

const progress = {
  ...{ id: string(), kind: string(), to: string(), run: nullable(string()) },
  ...{ name: nullable(string()), payload: anything(), issuedAt: nullable(time()), by: string() },
  ...{ expiresAt: nullable(time()), complete: boolean() },
  offlineSince: described(
    nullable(time()),
    'when the one device that it waits for, and that is offline, was heard last',
  ),
  devices: answer({
    ...{ issued: count(), waiting: count(), applied: count(), expired: count() },
    rejected: count(),
  }),
};

export const commandAnswer = answer({
  ...{ schema: literal('holdfast.command/1'), at: time(), ...progress },
});

export const commandsQuery = question(
  { limit: limit() },
  { before: integer({ minimum: 1, maximum: Number.MAX_SAFE_INTEGER }) },
);
export const commandsAnswer = answer({
  ...{ schema: literal('holdfast.commands/1'), at: time(), commands: list(answer(progress)) },
  next: nullable(count()),
});

export const commandDevicesQuery = question(
  { limit: limit() },
  { after: cursor(), outcome: choice(outcomes) },
);

const ofDevice = answer({
  ...{ device: string(), number: count(), outcome: choice(outcomes), reason: string() },
  settledAt: nullable(time()),
  offlineSince: described(nullable(time()), 'when the device, if offline, was heard last'),
});

export const deviceCommandsQuery = question({ limit: limit() }, {});

const told = answer({
  ...{ number: count(), id: string(), kind: string(), run: nullable(string()) },
  ...{ name: nullable(string()), payload: anything(), issuedAt: nullable(time()), by: string() },
  ...{ expiresAt: nullable(time()), outcome: choice(outcomes), reason: string() },
  settledAt: nullable(time()),
});

export const deviceCommandsAnswer = answer({
  ...{ schema: literal('holdfast.device-commands/1'), at: time(), device: string() },
  commands: list(told),
});

export const commandDevicesAnswer = answer({
  ...{ schema: literal('holdfast.command-devices/1'), at: time(), id: string() },
  ...{ devices: list(ofDevice), next: nullable(string()) },
});
