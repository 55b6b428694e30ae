import { Readable } from 'node:stream';
import { usageError } from '@holdfast/agent/internal';
import {
  Exit,
  HoldfastError,
  errorCatalogue,
  errorText,
  exitCodeOf,
  parserText,
  typedArgs,
} from '@holdfast/protocol';
import { CommanderError, type Command } from 'commander';
import { PATIENCE_MS } from './patience.ts';
import type { Leaf } from './programs.ts';

/** What a person reads of a failure, without any of the program's insides. */
const threeLines = /^error: .+ \((HF_[A-Z_]+)\)\n {2}cause: .+\n {2}hint: .+$/;
const LONG = 'x'.repeat(100_000);
const ENORMOUS = 'x'.repeat(1_048_576);

/** Values that nobody means, for any place that takes one. None is a path to what is there. */
export const hostile: readonly string[] = [
  ...['', ' ', '-', '--', '-1', '0', 'NaN', '1e999', '0x10', '99999999999999999999', 'null'],
  ...['../../no/such/place', '/dev/null/x', '$(reboot)', "'; --", '{"__proto__":{"a":1}}', '[[[['],
  ...['\u001b[2J\u001b]0;title\u0007', 'a\nb', 'a\u0000b', '\ud800', '日本語', '%00', '\u202e'],
  ENORMOUS,
];

/** One of each kind, for programs whose every line is a request to a server. */
export const mostHostile: readonly string[] = [
  ...['-1', '../../no/such/place', '{"__proto__":{"a":1}}', 'a\u0000b', '\ud800', LONG],
];

/** One of each way to be no path, for commands that take their time. */
export const badPaths: readonly string[] = ['', '../../no/such/place', 'a\u0000b'];

/** What came of a line; without `text` it was taken. */
export interface Outcome {
  readonly code: number;
  readonly text?: string;
}

/** The agent has a parser of its own, the others have the installed one. */
function usageOf(error: unknown): unknown {
  if (!(error instanceof CommanderError)) return usageError(error);
  if (error.exitCode === 0) return undefined;
  return new HoldfastError('HF_USAGE', { why: parserText(error.message) });
}

const HANGS = 'it hangs';

/** Runs a command line; resolves with its failure as it would be printed. */
export async function outcomeOf(program: Command, args: readonly string[]): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(HANGS)), PATIENCE_MS);
  });
  try {
    const words = typedArgs(program, args, { env: {} });
    await Promise.race([program.parseAsync([...words], { from: 'user' }), late]);
    return { code: Exit.ok };
  } catch (error) {
    const failure = usageOf(error);
    return { code: exitCodeOf(failure), text: errorText(failure) };
  } finally {
    clearTimeout(timer);
    process.exitCode = 0;
  }
}

/** Why it is not as it should be; `undefined`: it is. */
export function complaint({ code, text }: Outcome, codes: readonly number[]): string | undefined {
  if (text === undefined) return codes.includes(Exit.ok) ? undefined : 'it was taken';
  const [, error = ''] = threeLines.exec(text) ?? [];
  const isTold = Object.hasOwn(errorCatalogue, error) && text.length < 4_000;
  if (isTold && codes.includes(code)) return undefined;
  return `${code} ${text.slice(0, 300)}`;
}

/** Options and arguments that a command cannot do without, with something in their place. */
export function least({ command }: Leaf): readonly string[] {
  const needed = command.options.filter(({ mandatory }) => mandatory);
  const options = needed.flatMap(({ long, required, argChoices }) =>
    required ? [long ?? '', argChoices?.[0] ?? 'x'] : [long ?? ''],
  );
  const given = command.registeredArguments.filter(({ required }) => required);
  return [...options, ...given.map(({ argChoices }) => argChoices?.[0] ?? 'x')];
}

/** Lines that the parser must refuse, whatever the command does. */
export function wrongLines(leaf: Leaf): readonly (readonly string[])[] {
  const { command } = leaf;
  const given = least(leaf);
  const lines: string[][] = [
    [...given, '--no-such-option'],
    [...given, `--${LONG}`],
    [...given, '-\u001b[2J'],
    [...given, '--\ud800=\u0000'],
  ];
  const takesMany = command.registeredArguments.some(({ variadic }) => variadic);
  if (!takesMany) lines.push([...given, ...Array.from({ length: 9 }, () => 'more')]);
  if (given.length > 0) lines.push([]);
  for (const { long, required, argChoices } of command.options) {
    if (!required || long === undefined) continue;
    lines.push([...given, long]);
    if (argChoices !== undefined) lines.push([...given, long, 'nonsense'], [...given, long, '']);
  }
  return lines;
}

/** Lets a command line read a text from stdin: what has ended for one has ended for the next. */
export function typeIn(text: string): void {
  const stdin = Readable.from([Buffer.from(text)], { objectMode: false });
  Object.defineProperty(process, 'stdin', { configurable: true, value: stdin });
}

/** What is typed where nothing else is: an answer to whoever asks for a password. */
const TYPED = 'a long enough passphrase\n';

export interface HostileTable {
  readonly program: Command;
  readonly leaves: readonly Leaf[];
  /**
   * What is put into each place of a command that takes a value.
   *
   * @param option The long name of the option that is tried; `undefined`: an argument is.
   */
  readonly values: (leaf: Leaf, option: string | undefined) => readonly string[];
  /** Behind the name of each command: whom it is to talk to, and how it comes to an end. */
  readonly fixed: (leaf: Leaf, option: string | undefined) => readonly string[];
  /** In the places of its arguments that are not tried; default: `x` for each. */
  readonly words: (leaf: Leaf) => readonly string[] | undefined;
  /** Options that are not tried: another command has them, and they are read in one place. */
  readonly untried: (leaf: Leaf) => ReadonlySet<string>;
  /** Whole lines that read stdin, and what is typed there. */
  readonly typed: readonly Typed[];
}

interface Typed {
  readonly args: readonly string[];
  readonly texts: readonly string[];
}

/** Whatever was typed, no command ends as if the fault were ours. */
const ends: readonly number[] = Object.values(Exit).filter((code) => code !== Exit.bug);

/** Puts something hostile in each place that takes a value; tells what is not as it should be. */
export async function tryHostile(table: HostileTable) {
  const complaints: string[] = [];
  let count = 0;
  const ofLeaves = table.leaves.flatMap((leaf) => hostileLines(leaf, table));
  for (const { args, typed } of [...ofLeaves, ...typedLines(table)]) {
    typeIn(typed);
    const why = complaint(await outcomeOf(table.program, args), ends);
    count += 1;
    if (why !== undefined) complaints.push(`${args.join(' ').slice(0, 160)}: ${why}`);
    // Others of its kind would, too, and each takes all the patience that there is.
    if (why?.includes(HANGS) === true) break;
  }
  return { count, complaints };
}

interface Line {
  readonly args: readonly string[];
  readonly typed: string;
}

function typedLines({ typed }: HostileTable): readonly Line[] {
  return typed.flatMap(({ args, texts }) => texts.map((text) => ({ args, typed: text })));
}

function hostileLines(leaf: Leaf, table: HostileTable): readonly Line[] {
  const { options, registeredArguments } = leaf.command;
  const untried = table.untried(leaf);
  const words = table.words(leaf) ?? registeredArguments.map(() => 'x');
  const given = words.slice(0, registeredArguments.filter(({ required }) => required).length);
  const line = (option: string | undefined, rest: readonly string[]): Line => {
    // What the command cannot do without comes first: of two values the last one counts.
    const needed = [...leastOptions(leaf), ...table.fixed(leaf, option)];
    return { args: [...leaf.name.split(' '), ...needed, ...rest], typed: TYPED };
  };
  const tried = options.flatMap(({ long, required, optional, argChoices }) => {
    const isTried = (required || optional) && argChoices === undefined;
    return isTried && long !== undefined && !untried.has(long) ? [long] : [];
  });
  const each = tried.flatMap((option) => [
    ...table.values(leaf, option).map((value) => line(option, [`${option}=${value}`, ...given])),
    line(option, [`${option}=-1`, `${option}=\u0000`, ...given]),
  ]);
  const places = registeredArguments.flatMap((_, place) =>
    table.values(leaf, undefined).map((value) => {
      const typed = words.slice(0, place + 1).map((word, at) => (at === place ? value : word));
      return line(undefined, ['--', ...typed]);
    }),
  );
  return [...each, ...places];
}

function leastOptions(leaf: Leaf): readonly string[] {
  const given = leaf.command.registeredArguments.filter(({ required }) => required);
  const all = least(leaf);
  return all.slice(0, all.length - given.length);
}
