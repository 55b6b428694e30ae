import { printable } from './terminal.ts';
import { toWellFormed } from './well-formed.ts';
import { wrapLine } from './wrap.ts';
import { codeOf, errorCatalogue, HoldfastError, messageOf, type ErrorCode } from './errors.ts';

/** What a process of ours exits with. The numbers are API. */
export const Exit = {
  ok: 0,
  failed: 1,
  usage: 2,
  notFound: 3,
  unreachable: 4,
  denied: 5,
  conflict: 6,
  timedOut: 7,
  /** `doctor` found something that is wrong. */
  findings: 8,
  /** A fault in Holdfast itself. */
  bug: 70,
  /** A daemon cannot start like this; a supervisor must not try again. */
  config: 78,
  /** By SIGINT, as a shell would say it. */
  interrupted: 130,
  /** By SIGTERM, as a shell would say it. */
  terminated: 143,
} as const;
export type ExitCode = (typeof Exit)[keyof typeof Exit];

/** Codes that are not here exit with `failed`. */
const exitCodes: Partial<Readonly<Record<ErrorCode, ExitCode>>> = {
  HF_USAGE: Exit.usage,
  HF_RUN_AMBIGUOUS: Exit.usage,
  HF_INPUT_INVALID: Exit.usage,
  HF_QUERY_INVALID: Exit.usage,
  HF_NAME_INVALID: Exit.usage,
  HF_DURATION_INVALID: Exit.usage,
  HF_CRON_INVALID: Exit.usage,
  HF_GATEWAY_ADDRESS: Exit.usage,
  HF_DATA_DIR_MISSING: Exit.notFound,
  HF_CONTEXT_UNKNOWN: Exit.notFound,
  HF_WORKFLOW_UNKNOWN: Exit.notFound,
  HF_RUN_UNKNOWN: Exit.notFound,
  HF_SCHEDULE_UNKNOWN: Exit.notFound,
  HF_TOKEN_INVALID: Exit.notFound,
  HF_DEVICE_UNKNOWN: Exit.notFound,
  HF_USER_UNKNOWN: Exit.notFound,
  HF_API_TOKEN_UNKNOWN: Exit.notFound,
  HF_COMMAND_UNKNOWN: Exit.notFound,
  HF_PAIRING_UNKNOWN: Exit.notFound,
  HF_AGENT_UNREACHABLE: Exit.unreachable,
  HF_GATEWAY_UNREACHABLE: Exit.unreachable,
  HF_GATEWAY_SILENT: Exit.unreachable,
  HF_ACCESS_UNKNOWN: Exit.denied,
  HF_ACCESS_DENIED: Exit.denied,
  HF_ENROLL_REFUSED: Exit.denied,
  HF_ACCESS_LIMITED: Exit.denied,
  HF_PASSWORD_INVALID: Exit.usage,
  HF_USER_THERE: Exit.conflict,
  HF_STORE_LOCKED: Exit.conflict,
  HF_STORE_THERE: Exit.conflict,
  HF_PORT_TAKEN: Exit.conflict,
  HF_SOCKET_TAKEN: Exit.conflict,
  HF_RUN_CONFLICT: Exit.conflict,
  HF_COMMAND_CONFLICT: Exit.conflict,
  HF_SCHEDULE_OVERLAP: Exit.conflict,
  HF_RUN_FINISHED: Exit.conflict,
  HF_RUN_STATE: Exit.conflict,
  HF_SUBJECT_NEEDED: Exit.conflict,
  HF_IDENTITY_CONFLICT: Exit.conflict,
  HF_WAIT_TIMEOUT: Exit.timedOut,
  HF_CONFIG_INVALID: Exit.config,
  HF_CODE_UNREADABLE: Exit.config,
  HF_HANDLERS_UNREADABLE: Exit.config,
  HF_DATA_DIR_UNUSABLE: Exit.config,
  HF_DATA_DIR_OTHER_DEVICE: Exit.config,
  HF_STORE_FORMAT: Exit.config,
  HF_STORE_OLDER: Exit.config,
  HF_STORE_KEY: Exit.config,
  HF_STORE_NATIVE: Exit.config,
  HF_INTERNAL: Exit.bug,
};

/** The exit code for whatever was thrown; what is no HoldfastError is a fault of ours. */
export function exitCodeOf(error: unknown): ExitCode {
  const code = codeOf(error);
  return code === undefined ? Exit.bug : (exitCodes[code] ?? Exit.failed);
}

export interface ErrorTextOptions {
  readonly debug?: boolean;
  /** Columns of the terminal; default: a line is as long as it is. */
  readonly width?: number | undefined;
}

/**
 * What a person sees of a failure: the lines `error`, `cause` and `hint`, without a final line
 * end. With `debug`, the stacks of the error and of its causes follow.
 */
export function errorText(error: unknown, options: ErrorTextOptions = {}): string {
  const { what, why, hint } = explain(error);
  const parts = { 'error: ': what, '  cause: ': why, '  hint: ': hint };
  const lines = Object.entries(parts).map(([name, text]) =>
    wrapLine(`${name}${shown(text)}`, options.width, name.length),
  );
  if (options.debug === true) lines.push(...stacks(error));
  return lines.join('\n');
}

interface Explanation {
  readonly what: string;
  readonly why: string;
  readonly hint: string;
}

function explain(error: unknown): Explanation {
  if (error instanceof HoldfastError) {
    const what = `${errorCatalogue[error.code].message} (${error.code})`;
    return { what, why: whyOf(error), hint: error.hint };
  }
  const what = isFault(error) ? 'A fault in Holdfast' : 'An unexpected failure';
  const hint = 'Add --debug to see where it comes from, and report it.';
  return { what, why: messageOf(error), hint };
}

/** By its name: a program may have the module of its class twice. */
function isFault(error: unknown): boolean {
  return error instanceof Error && error.name === 'AssertionError';
}

function whyOf(error: HoldfastError): string {
  const cause = error.cause === undefined ? undefined : messageOf(error.cause);
  if (error.why === undefined) return cause ?? 'nothing more is known';
  return cause === undefined || isTold(error.why, error.cause)
    ? error.why
    : `${error.why}: ${cause}`;
}

/** Whether the cause would say again what is said already, by its message or its code. */
function isTold(why: string, cause: unknown): boolean {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  return why.includes(messageOf(cause)) || (typeof code === 'string' && why.includes(code));
}

/** What the parser of command lines found wrong, as the cause of a failure of ours. */
export function parserText(message: string): string {
  return message
    .replace(/^error: /, '')
    .replace(/\n?\s*\(Did you mean ([^?]*)\?\)/, '; did you mean $1?');
}

/** What is wrong may be as long as what was typed. */
const SHOWN_MAX = 1_000;

/** One line that a person reads, and that cannot steer the terminal. */
function shown(text: string): string {
  const line = printable(text.trim().replace(/\s*[\r\n]+\s*/g, ' '));
  if (line === '') return 'nothing more is known';
  return line.length > SHOWN_MAX ? `${toWellFormed(line.slice(0, SHOWN_MAX))}…` : line;
}

/** Deep enough for any chain we make; a chain may contain itself. */
const CAUSES_MAX = 8;

function stacks(error: unknown): string[] {
  const lines: string[] = [];
  let each = error;
  for (let depth = 0; each instanceof Error && depth < CAUSES_MAX; depth += 1) {
    lines.push(`${depth === 0 ? '' : 'caused by: '}${each.stack ?? messageOf(each)}`);
    each = each.cause;
  }
  return lines;
}
