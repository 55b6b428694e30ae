import { errorCatalogue, HoldfastError, isErrorCode, type ErrorCode } from './errors.ts';
import { renderTable, type TableOptions } from './table.ts';

/** What may be done with the input that failed, for each `retry` of the catalogue. */
const retries = {
  later: 'The same may succeed later.',
  never: 'Trying the same again fails again.',
  restart: 'The process must start again.',
} as const;

export interface ExplainOptions {
  /** A code, in whatever letters and without `HF_` too. Default: all of them. */
  readonly code: string | undefined;
  readonly isJson: boolean;
  readonly screen: TableOptions;
}

/** What `explain` of each program prints, without a final line end. @throws HF_USAGE */
export function explainText({ code, isJson, screen }: ExplainOptions): string {
  if (code === undefined) return isJson ? listJson() : listScreen(screen);
  const found = codeFrom(code);
  return isJson ? JSON.stringify(explanation(found)) : page(found);
}

function codeFrom(text: string): ErrorCode {
  const upper = text.toUpperCase();
  const code = upper.startsWith('HF_') ? upper : `HF_${upper}`;
  if (isErrorCode(code)) return code;
  throw new HoldfastError('HF_USAGE', {
    why: `there is no error code ${text}; \`explain\` without one lists them`,
  });
}

function explanation(code: ErrorCode): Readonly<Record<string, string>> {
  const { message, retry, hint } = errorCatalogue[code];
  return { schema: 'holdfast.explain/1', code, message, retry, hint };
}

function page(code: ErrorCode): string {
  const { message, retry, hint } = errorCatalogue[code];
  return `${code}: ${message}.\n\n  ${hint}\n  ${retries[retry]}`;
}

function codes(): ErrorCode[] {
  return Object.keys(errorCatalogue).filter(isErrorCode);
}

function listJson(): string {
  return JSON.stringify({ schema: 'holdfast.explain-list/1', codes: codes().map(explanation) });
}

function listScreen(screen: TableOptions): string {
  const rows = codes().map((code) => [code, errorCatalogue[code].message]);
  return renderTable([{ title: 'code' }, { title: 'meaning' }], rows, screen);
}
