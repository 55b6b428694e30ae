import type { ErrorSpec } from './spec.ts';

/** Failures of calls and their handlers. */
export const serviceErrors = {
  HF_CALL_FAILED: {
    message: 'The handler at the gateway failed',
    retry: 'never',
    hint: 'The cause is the error that the handler gave.',
  },
  HF_CALL_TIMEOUT: {
    message: 'No result of the call came within its timeout',
    retry: 'never',
    hint: 'Raise the timeout of the call; while offline, time passes too.',
  },
  HF_CALL_UNHANDLED: {
    message: 'No handler for this service is registered at the gateway',
    retry: 'later',
    hint: 'Start the gateway with --handler NAME=URL or --handlers FILE; the call waits.',
  },
  HF_HANDLERS_UNREADABLE: {
    message: 'The file with the handlers could not be loaded',
    retry: 'never',
    hint: 'Check --handlers: a module with `export const handlers = { name: async (input) => … }`.',
  },
  HF_HANDLER_TIMEOUT: {
    message: 'An attempt of the handler took longer than it may',
    retry: 'later',
    hint: 'Let the handler end when its signal aborts, and look at what it waits for.',
  },
  HF_HANDLER_UNAVAILABLE: {
    message: 'The handler could not be reached or asked to be tried later',
    retry: 'later',
    hint: 'Check that the service at its URL runs and answers with 2xx.',
  },
  HF_HANDLER_REFUSED: {
    message: 'The handler refused the call',
    retry: 'never',
    hint: 'The status and the answer say why; the same input will be refused again.',
  },
  HF_WEBHOOK_UNKNOWN: {
    message: 'No such webhook',
    retry: 'never',
    hint: 'List them with `holdfast-gateway webhook ls`.',
  },
  HF_WEBHOOK_TARGET: {
    message: 'A webhook cannot go there',
    retry: 'never',
    hint: 'Give an https:// URL of a public address, or serve with --webhook-allow-private.',
  },
  HF_WEBHOOK_DISABLED: {
    message: 'A webhook is disabled: its endpoint did not take what it was told',
    retry: 'never',
    hint: 'Mend the endpoint, then `holdfast-gateway webhook enable ID`; nothing is lost.',
  },
  HF_HANDLER_TRANSACTION: {
    message: 'A handler cannot write in the transaction of its result',
    retry: 'later',
    hint: 'It takes a gateway with --ledger postgres://…, and what is passed to `inTransaction`.',
  },
  HF_CALL_PARKED: {
    message: 'A call waits for a person: its handler failed in every attempt',
    retry: 'never',
    hint: 'Mend the handler, then `holdfast-gateway call requeue`; or give it up with `call fail`.',
  },
  HF_CALL_UNKNOWN: {
    message: 'No such call waits',
    retry: 'never',
    hint: 'List those that do with `holdfast-gateway call ls`.',
  },
  HF_HANDLER_ANSWER: {
    message: 'The answer of the handler cannot be used',
    retry: 'never',
    hint: 'Answer with one JSON value of at most 48 KiB, or with an empty body.',
  },
  HF_COMMAND_UNKNOWN: {
    message: 'No command was issued under this id',
    retry: 'never',
    hint: 'List what was issued with `holdfast-gateway command ls`.',
  },
  HF_COMMAND_CONFLICT: {
    message: 'Another command was issued under this id',
    retry: 'never',
    hint: 'Give it an id of its own; the same id only repeats the same command.',
  },
} as const satisfies Record<string, ErrorSpec>;
