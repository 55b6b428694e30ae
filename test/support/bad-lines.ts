import { usageError } from '@holdfast/agent/internal';
import { Exit, HoldfastError, errorCatalogue, errorText, exitCodeOf } from '@holdfast/protocol';
import { CommanderError, type Command } from 'commander';
import { PATIENCE_MS } from './patience.ts';
import type { Leaf } from './programs.ts';

/** What a person reads of a failure, without any of the program's insides. */
const threeLines = /^error: .+ \((HF_[A-Z_]+)\)\n {2}cause: .+\n {2}hint: .+$/;
const ENORMOUS = 'x'.repeat(100_000);

/** Values that nobody means, for any place that takes one. None is a path to what is there. */
export const hostile: readonly string[] = [
  ...['', ' ', '-', '--', '-1', '0', 'NaN', '1e999', '0x10', '99999999999999999999', 'null'],
  ...['../../no/such/place', '/dev/null/x', '$(reboot)', "'; --", '{"__proto__":{"a":1}}', '[[[['],
  ...['\u001b[2J\u001b]0;title\u0007', 'a\nb', 'a\u0000b', '\ud800', '日本語', '%00', '\u202e'],
  ENORMOUS,
];

/** One of each kind, for programs whose every line is a request to a server. */
export const mostHostile: readonly string[] = [
  ...['-1', '../../no/such/place', '{"__proto__":{"a":1}}', 'a\u0000b', '\ud800', ENORMOUS],
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
  return new HoldfastError('HF_USAGE', { why: error.message.replace(/^error: /, '') });
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
    [...given, `--${ENORMOUS}`],
    [...given, '-\u001b[2J'],
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
  readonly values: readonly string[];
  /** Behind the name of each command: whom it is to talk to, and how it comes to an end. */
  readonly fixed: (leaf: Leaf) => readonly string[];
  /** Options that are not tried: they would do what they are told, or go on for ever. */
  readonly untried: ReadonlySet<string>;
  /** How a line may end. */
  readonly codes: readonly number[];
}

/** Puts something hostile in each place that takes a value; tells what is not as it should be. */
export async function tryHostile(table: HostileTable) {
  const complaints: string[] = [];
  let count = 0;
  for (const leaf of table.leaves) {
    for (const line of hostileLines(leaf, table)) {
      const args = [...leaf.name.split(' '), ...table.fixed(leaf), ...line];
      const why = complaint(await outcomeOf(table.program, args), table.codes);
      count += 1;
      if (why !== undefined) complaints.push(`${args.join(' ').slice(0, 160)}: ${why}`);
    }
  }
  return { count, complaints };
}

function hostileLines(leaf: Leaf, { values, untried }: HostileTable) {
  const { options, registeredArguments } = leaf.command;
  const valued = options.filter(
    ({ long, required, argChoices }) =>
      required && argChoices === undefined && !untried.has(long ?? ''),
  );
  const lines = valued.flatMap(({ long }) =>
    values.map((value) => [...least(leaf), `${long}=${value}`]),
  );
  const places = registeredArguments.flatMap((_, place) =>
    values.map((value) =>
      registeredArguments.slice(0, place + 1).map((__, at) => (at === place ? value : 'x')),
    ),
  );
  const needed = leastOptions(leaf);
  return [...lines, ...places.map((words) => [...needed, '--', ...words])];
}

function leastOptions(leaf: Leaf): readonly string[] {
  const given = leaf.command.registeredArguments.filter(({ required }) => required);
  const all = least(leaf);
  return all.slice(0, all.length - given.length);
}
