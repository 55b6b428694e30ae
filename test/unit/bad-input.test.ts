import test from 'ava';
import { createSocketServer } from '@holdfast/agent/internal';
import { usageError } from '@holdfast/agent/internal';
import { Exit, errorCatalogue, errorText, exitCodeOf } from '@holdfast/protocol';
import type { Command } from 'commander';
import { PATIENCE_MS } from '../support/patience.ts';
import { allPrograms, leavesOf, type Leaf } from '../support/programs.ts';
import { ScriptedSurface } from '../support/scripted-surface.ts';
import { tempDir } from '../support/temp-dir.ts';

/** What a person reads of a failure, without any of the program's insides. */
const threeLines = /^error: .+ \((HF_[A-Z_]+)\)\n {2}cause: .+\n {2}hint: .+$/;
const ENORMOUS = 'x'.repeat(100_000);

/** Values that nobody means, for any place that takes one. */
const hostile = [
  ...['', ' ', '-', '--', '-1', '0', 'NaN', '1e999', '0x10', '99999999999999999999', 'null'],
  ...['../../etc/passwd', '/dev/null/x', '$(reboot)', "'; --", '{"__proto__":{"a":1}}', '[[[['],
  ...['\u001b[2J\u001b]0;title\u0007', 'a\nb', '\ud800', '日本語', '%00', '\u202e'],
  ENORMOUS,
];

type Outcome = { readonly code: number; readonly text: string } | undefined;

/** Runs a command line; resolves with its failure as it would be printed. */
async function outcomeOf(program: Command, args: readonly string[]): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error('it hangs')), PATIENCE_MS);
  });
  try {
    await Promise.race([program.parseAsync([...args], { from: 'user' }), late]);
    return undefined;
  } catch (error) {
    const failure = usageError(error);
    return { code: exitCodeOf(failure), text: errorText(failure) };
  } finally {
    clearTimeout(timer);
    process.exitCode = 0;
  }
}

/** Why it is not as it should be; `undefined`: it is. */
function complaint(outcome: Outcome, codes: readonly number[]): string | undefined {
  if (outcome === undefined) return codes.includes(Exit.ok) ? undefined : 'it was taken';
  const [, code = ''] = threeLines.exec(outcome.text) ?? [];
  const isTold = Object.hasOwn(errorCatalogue, code) && outcome.text.length < 4_000;
  if (isTold && codes.includes(outcome.code)) return undefined;
  return `${outcome.code} ${outcome.text.slice(0, 300)}`;
}

/** Options and arguments that a command cannot do without, with something in their place. */
function least({ command }: Leaf): readonly string[] {
  const needed = command.options.filter(({ mandatory }) => mandatory);
  const options = needed.flatMap(({ long, required, argChoices }) =>
    required ? [long ?? '', argChoices?.[0] ?? 'x'] : [long ?? ''],
  );
  const given = command.registeredArguments.filter(({ required }) => required);
  return [...options, ...given.map(({ argChoices }) => argChoices?.[0] ?? 'x')];
}

/** Lines that the parser must refuse, whatever the command does. */
function wrongLines(leaf: Leaf): readonly (readonly string[])[] {
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

/** Takes any text as its last word, to be completed. */
const takesAll = new Set(['holdfast completion']);

test('every command refuses what is wrong, missing or too much, in three lines', async (t) => {
  const complaints: string[] = [];
  let count = 0;
  for (const [name, program] of await allPrograms()) {
    const leaves = leavesOf(program).filter((leaf) => !takesAll.has(`${name} ${leaf.name}`));
    for (const leaf of leaves) {
      for (const line of wrongLines(leaf)) {
        const outcome = await outcomeOf(program, [...leaf.name.split(' '), ...line]);
        const why = complaint(outcome, [Exit.usage]);
        count += 1;
        if (why !== undefined) {
          complaints.push(`${name} ${leaf.name} ${line.join(' ').slice(0, 80)}: ${why}`);
        }
      }
    }
  }

  t.true(count > 500, String(count));
  t.deepEqual(complaints, []);
});

/** Do not end, or write where they are told to. */
const notAsked = new Set([
  ...['run', 'top', 'completion', 'diag', 'doctor', 'explain', 'config list', 'config lint'],
  'version',
]);
/** Say where the agent is, read stdin, or say that what is shown goes on. */
const notTried = new Set([
  '--input-lines',
  '--socket',
  '--data-dir',
  '--store-key-file',
  '--watch',
  '--follow',
]);

const expected: readonly number[] = [
  ...[Exit.ok, Exit.failed, Exit.usage, Exit.notFound, Exit.conflict, Exit.timedOut],
];

/** Command lines with something hostile in each place that takes a value. */
function hostileLines(leaf: Leaf): readonly (readonly string[])[] {
  const { options, registeredArguments } = leaf.command;
  const valued = options.filter(
    ({ long, required, argChoices }) =>
      required && argChoices === undefined && !notTried.has(long ?? ''),
  );
  const fixed = leaf.name === 'wait' ? ['--timeout', '10ms'] : [];
  const lines = valued.flatMap(({ long }) =>
    hostile.map((value) => [...least(leaf), ...fixed, `${long}=${value}`]),
  );
  const places = registeredArguments.flatMap((_, place) =>
    hostile.map((value) =>
      registeredArguments.slice(0, place + 1).map((__, at) => (at === place ? value : 'x')),
    ),
  );
  return [...lines, ...places.map((words) => [...fixed, '--', ...words])];
}

test('what is hostile in the place of a value gets an answer or three lines', async (t) => {
  const path = `${await tempDir(t)}/agent.sock`;
  const log = { error: () => undefined, info: () => undefined, debug: () => undefined };
  const server = await createSocketServer({ path, surface: new ScriptedSurface(), log });
  t.teardown(() => server.close());
  const program = (await allPrograms()).get('holdfast') as Command;
  const leaves = leavesOf(program).filter(
    ({ name, command }) =>
      !notAsked.has(name) && command.options.some(({ long }) => long === '--socket'),
  );
  const complaints: string[] = [];
  let count = 0;

  for (const leaf of leaves.filter(({ name }) => !name.startsWith('store'))) {
    for (const line of hostileLines(leaf)) {
      const args = [...leaf.name.split(' '), '--socket', path, ...line];
      const why = complaint(await outcomeOf(program, args), expected);
      count += 1;
      if (why !== undefined) complaints.push(`${args.join(' ').slice(0, 160)}: ${why}`);
    }
  }

  t.true(count > 500, String(count));
  t.deepEqual(complaints, []);
});
