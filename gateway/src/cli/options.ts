import {
  HoldfastError,
  isDeviceId,
  lanes,
  tableForms,
  tableOptions,
  type Lane,
  type TableFlags,
} from '@holdfast/protocol';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { LIMIT_DEFAULT, LIMIT_MAX } from '../core/api-query.ts';
import type { OutputFormat } from './terminal.ts';

/** What every command takes. */
export interface CommonOptions {
  readonly output: OutputFormat;
}

export const outputOption = (): Option =>
  new Option('-o, --output <format>', 'how to print').choices(['text', 'json']).default('text');

/** `-o`, for commands that print a table. */
export const tableOutputOption = (): Option =>
  new Option('-o, --output <format>', 'how to print')
    .choices(['text', 'json', 'jsonl', ...tableForms])
    .default('text');

/** Read before anything else, from the raw arguments: it is about errors of reading them, too. */
export const debugOption = (): Option => new Option('--debug', 'print the stack of an error');

/** Adds the options of commands that print a table. */
export function withTable(command: Command): Command {
  for (const [flags, description] of tableOptions) command.option(flags, description);
  return command;
}

/** A command about a gateway: one that runs somewhere, or the one of a directory here. */
export function sourceOf(parent: Command, name: string): Command {
  return parent
    .command(name)
    .addOption(
      new Option('--url <url>', 'address of the HTTP API of a running gateway').argParser(readUrl),
    )
    .addOption(
      new Option('--token-file <file>', 'file with an API token for --url').env(
        'HOLDFAST_TOKEN_FILE',
      ),
    )
    .option('--tls-ca <file>', 'PEM: what to trust of --url; default: what the system trusts')
    .addOption(dataDirOption('data directory of a gateway on this machine, running or not'))
    .option('--context <name>', 'what `context set` has named (HOLDFAST_CONTEXT)');
}

export const dataDirOption = (description: string): Option =>
  new Option('--data-dir <dir>', description).argParser((text: string) => {
    if (text !== '') return text;
    throw new InvalidArgumentError('It is empty, as an unset variable of a shell is.');
  });

export const ledgerOption = (): Option =>
  new Option('--ledger <url>', 'postgres:// address of the ledger (HOLDFAST_LEDGER)');

export const ledgerFileOption = (): Option =>
  new Option('--ledger-file <file>', 'file that has this address, with its password');

/** What reads the ledger can read it in its database. */
export function withLedger(command: Command): Command {
  return command.addOption(ledgerOption()).addOption(ledgerFileOption());
}

export const deviceOption = (): Option =>
  new Option('--device <id>', 'id of the device').argParser((text: string) => {
    if (isDeviceId(text)) return text;
    throw new InvalidArgumentError('An id has 1 to 64 letters, digits, _ or -.');
  });

export const laneOption = (): Option =>
  new Option('--lane <lane>', 'only this lane; default: all').choices(lanes);

export const limitOption = (what: string): Option =>
  new Option('--limit <n>', `at most so many ${what}, 1 to ${LIMIT_MAX}`)
    .argParser(integer(1, LIMIT_MAX))
    .default(LIMIT_DEFAULT);

/** Collects the values of an option that can be given several times. */
export function append(text: string, before: readonly string[] = []): readonly string[] {
  return [...before, text];
}

/** Reads an integer of a range. */
export function integer(least: number, most: number): (text: string) => number {
  return (text) => {
    const number = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
    if (number >= least && number <= most) return number;
    throw new InvalidArgumentError(`It is not an integer from ${least} to ${most}.`);
  };
}

export function readUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^https?:$/.test(url.protocol)) return url;
  throw new InvalidArgumentError('It is not an http:// or https:// URL.');
}

export function usage(why: string): HoldfastError {
  return new HoldfastError('HF_USAGE', { why });
}

/** Of options by their names, at most one may be given. @throws HF_USAGE naming those that are. */
export function onlyOne(options: Readonly<Record<string, unknown>>): void {
  const given = Object.keys(options).filter((name) => options[name] !== undefined);
  if (given.length > 1) throw usage(`${given.join(' and ')} contradict each other`);
}

export interface EntriesOptions extends TableFlags {
  readonly device: string;
  readonly epoch?: number;
  readonly lane?: Lane;
  readonly after?: number;
  readonly limit: number;
}
