import { usageError } from '@holdfast/agent/internal';
import {
  Exit,
  HoldfastError,
  errorCatalogue,
  errorText,
  exitCodeOf,
  parserText,
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

/** Runs a command line; resolves with its failure as it would be printed. */
export async function outcomeOf(program: Command, args: readonly string[]): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it hangs')), PATIENCE_MS);
  });
  try {
    await Promise.race([program.parseAsync([...args], { from: 'user' }), late]);
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

export interface HostileTable {
  readonly program: Command;
  readonly leaves: readonly Leaf[];
  /** What is put into each place of a command that takes a value. */
  readonly values: (leaf: Leaf) => readonly string[];
  /** Behind the name of each command: whom it is to talk to, and how it comes to an end. */
  readonly fixed: (leaf: Leaf) => readonly string[];
  /** In the places of its arguments that are not tried; default: `x` for each. */
  readonly words: (leaf: Leaf) => readonly string[] | undefined;
  /** Options that are not tried: another command has them, and they are read in one place. */
  readonly untried: (leaf: Leaf) => ReadonlySet<string>;
}

/** Whatever was typed, no command ends as if the fault were ours. */
const ends: readonly number[] = Object.values(Exit).filter((code) => code !== Exit.bug);

/** Puts something hostile in each place that takes a value; tells what is not as it should be. */
export async function tryHostile(table: HostileTable) {
  const complaints: string[] = [];
  let count = 0;
  for (const leaf of table.leaves) {
    for (const line of hostileLines(leaf, table)) {
      const args = [...leaf.name.split(' '), ...table.fixed(leaf), ...line];
      const why = complaint(await outcomeOf(table.program, args), ends);
      count += 1;
      if (why !== undefined) complaints.push(`${args.join(' ').slice(0, 160)}: ${why}`);
    }
  }
  return { count, complaints };
}

function hostileLines(leaf: Leaf, table: HostileTable) {
  const { options, registeredArguments } = leaf.command;
  const [values, untried] = [table.values(leaf), table.untried(leaf)];
  const words = table.words(leaf) ?? registeredArguments.map(() => 'x');
  const needed = leastOptions(leaf);
  const given = words.slice(0, registeredArguments.filter(({ required }) => required).length);
  const valued = options.filter(
    ({ long, required, optional, argChoices }) =>
      (required || optional) && argChoices === undefined && !untried.has(long ?? ''),
  );
  const lines = valued.flatMap(({ long }) =>
    values.map((value) => [...needed, `${long}=${value}`, ...given]),
  );
  const twice = valued.map(({ long }) => [...needed, `${long}=-1`, `${long}=\u0000`, ...given]);
  const places = registeredArguments.flatMap((_, place) =>
    values.map((value) =>
      words.slice(0, place + 1).map((word, at) => (at === place ? value : word)),
    ),
  );
  return [...lines, ...twice, ...places.map((each) => [...needed, '--', ...each])];
}

function leastOptions(leaf: Leaf): readonly string[] {
  const given = leaf.command.registeredArguments.filter(({ required }) => required);
  const all = least(leaf);
  return all.slice(0, all.length - given.length);
}
