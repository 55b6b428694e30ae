import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { HELP_WIDTH, reflow } from '@holdfast/protocol';
import type { Command } from 'commander';
import { allPrograms, leavesOf } from './programs.ts';

/** From `test/dist/support`. */
export const manUrl = new URL('../../../packaging/man/', import.meta.url);

/** What is printed for `--help`, in parts. */
interface Help {
  readonly usage: string;
  readonly description: string;
  readonly terms: readonly (readonly [term: string, description: string])[];
  /** What follows: explanations and examples. */
  readonly after: string;
}

function helpOf(command: Command): Help {
  const helper = command.createHelp();
  let text = '';
  command.configureOutput({
    writeOut: (part) => (text += part),
    getOutHelpWidth: () => HELP_WIDTH,
  });
  helper.prepareContext({ helpWidth: HELP_WIDTH });
  command.outputHelp();
  const formatted = command.helpInformation();
  const after = reflow(text.slice(formatted.length), HELP_WIDTH).trim();
  return {
    ...{ usage: helper.commandUsage(command), description: helper.commandDescription(command) },
    terms: [
      ...helper
        .visibleArguments(command)
        .map((each) => [helper.argumentTerm(each), helper.argumentDescription(each)] as const),
      ...helper
        .visibleOptions(command)
        .map((each) => [helper.optionTerm(each), helper.optionDescription(each)] as const),
    ],
    after,
  };
}

/** Commands with how they are typed, in the order of the help. */
function commandsOf(program: Command): readonly Command[] {
  return leavesOf(program).map(({ command }) => command);
}

/** The pages of `packaging/man`, by their names. */
export async function manPages(): Promise<ReadonlyMap<string, string>> {
  const pages = [...(await allPrograms())].map(
    ([name, program]) => [`${name}.1`, manPage(name, program)] as const,
  );
  return new Map(pages);
}

function manPage(name: string, program: Command): string {
  const own = helpOf(program);
  return [
    `.\\" Made from the command line by test/support/man-pages.ts`,
    `.TH ${name.toUpperCase()} 1 "" "Holdfast" "Holdfast"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(own.description.replace(/\.$/, ''))}`,
    '.SH SYNOPSIS',
    `.B ${roff(name)}`,
    '.I command',
    '[options]',
    '.SH DESCRIPTION',
    ...afterText(own.after),
    '.SH COMMANDS',
    ...commandsOf(program).flatMap((command) => {
      const { usage, description, terms, after } = helpOf(command);
      return [
        `.SS "${roff(usage).replaceAll('"', '\\(dq')}"`,
        roff(description),
        ...terms.flatMap(([term, meaning]) => ['.TP', `.B ${roff(term)}`, roff(meaning)]),
        ...(after === '' ? [] : ['.PP', ...afterText(after)]),
      ];
    }),
    '',
  ].join('\n');
}

/** Prose is filled; what is indented, as examples are, stays as it is. */
function afterText(text: string): readonly string[] {
  return text.split(/\n\n+/).flatMap((paragraph) => {
    const lines = paragraph.split('\n').map(roff);
    const isPlain = lines.every((line) => /^\S/.test(line) && !line.endsWith(':'));
    return isPlain ? ['.PP', ...lines] : ['.PP', '.nf', ...lines, '.fi'];
  });
}

function roff(text: string): string {
  const escaped = text.replaceAll('\\', '\\e').replaceAll('-', '\\-');
  return escaped.replace(/^([.'])/gm, '\\&$1');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(manUrl, { recursive: true });
  for (const [file, text] of await manPages()) writeFileSync(new URL(file, manUrl), text);
}
