import { errorCatalogue, HoldfastError, isErrorCode, renderTable } from '@holdfast/protocol/base';
import type { ErrorCode } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';

const about = `
Examples:
  holdfast explain HF_STORE_LOCKED
  holdfast explain -o json
`;

/** What may be done with the input that failed, for each `retry` of the catalogue. */
const retries = {
  later: 'The same may succeed later.',
  never: 'Trying the same again fails again.',
  restart: 'The process must start again.',
} as const;

export function addExplain(program: Command, shell: Shell): void {
  program
    .command('explain')
    .description('Say what an error code means and what to do; without a code, list them.')
    .argument('[code]', 'such as HF_STORE_LOCKED')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action((text: string | undefined, flags: { readonly output: Format }) => {
      const isJson = flags.output === 'json';
      if (text === undefined) shell.print(isJson ? listJson() : listScreen(shell));
      else shell.print(isJson ? JSON.stringify(explanation(codeFrom(text))) : page(codeFrom(text)));
    });
}

function codeFrom(text: string): ErrorCode {
  const upper = text.toUpperCase();
  const code = upper.startsWith('HF_') ? upper : `HF_${upper}`;
  if (isErrorCode(code)) return code;
  throw new HoldfastError('HF_USAGE', {
    why: `there is no error code ${text}; \`holdfast explain\` lists them`,
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

function listScreen(shell: Shell): string {
  const rows = codes().map((code) => [code, errorCatalogue[code].message]);
  return renderTable([{ title: 'code' }, { title: 'meaning' }], rows, shell);
}
