import { accessErrors } from './errors/access.ts';
import { linkErrors } from './errors/link.ts';
import { serviceErrors } from './errors/service.ts';
import { settingsErrors } from './errors/settings.ts';
import { storeErrors } from './errors/store.ts';
import { valueErrors } from './errors/value.ts';
import { workflowErrors } from './errors/workflow.ts';
import type { ErrorSpec, Retry } from './errors/spec.ts';

export type { ErrorSpec, Retry };

/** Every failure we expect. Codes are API and are never renamed; messages may change. */
export const errorCatalogue = {
  ...settingsErrors,
  ...storeErrors,
  ...valueErrors,
  ...workflowErrors,
  ...serviceErrors,
  ...linkErrors,
  ...accessErrors,
} as const satisfies Record<string, ErrorSpec>;

export type ErrorCode = keyof typeof errorCatalogue;

export interface HoldfastErrorOptions {
  /** What exactly was wrong, in a sentence for the person who must mend it. */
  readonly why?: string | undefined;
  readonly details?: Readonly<Record<string, unknown>> | undefined;
  readonly cause?: unknown;
}

/** A program may have this module twice, as a command that loads the agent has. */
const brand = Symbol.for('holdfast.error');

/** A failure we expect and handle. Branch on `code` or `retry`, never on `message`. */
export class HoldfastError extends Error {
  readonly [brand] = true;
  override readonly name: string = 'HoldfastError';
  readonly code: ErrorCode;
  readonly retry: Retry;
  readonly hint: string;
  readonly why: string | undefined;
  readonly details: Readonly<Record<string, unknown>>;

  constructor(code: ErrorCode, options: HoldfastErrorOptions = {}) {
    const spec = errorCatalogue[code];
    const what = options.why === undefined ? spec.message : `${spec.message}: ${options.why}`;
    super(`${what} (${code})`, options.cause === undefined ? {} : { cause: options.cause });
    this.code = code;
    this.retry = spec.retry;
    this.hint = spec.hint;
    this.why = options.why;
    this.details = Object.freeze({ ...options.details });
    Object.defineProperty(this, brand, { enumerable: false });
  }

  static override [Symbol.hasInstance](value: unknown): boolean {
    if (this !== HoldfastError) return Function.prototype[Symbol.hasInstance].call(this, value);
    return typeof value === 'object' && value !== null && brand in value;
  }
}

export function isErrorCode(text: unknown): text is ErrorCode {
  return typeof text === 'string' && Object.hasOwn(errorCatalogue, text);
}

/** The code of a failure, if it has one. */
export function codeOf(error: unknown): ErrorCode | undefined {
  return error instanceof HoldfastError ? error.code : undefined;
}

/** A sentence for a person, whatever was thrown. Never throws itself. */
export function messageOf(error: unknown): string {
  try {
    if (error instanceof Error) return error.message === '' ? error.name : error.message;
    return String(error);
  } catch {
    return 'an error that cannot be shown';
  }
}
