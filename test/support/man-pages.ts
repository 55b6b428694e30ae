import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { helpOf, paragraphsOf } from './command-help.ts';
import { allPrograms, leavesOf } from './programs.ts';

/** From `test/dist/support`. */
export const manUrl = new URL('../../../packaging/man/', import.meta.url);

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
  return paragraphsOf(text).flatMap(({ lines, isPlain }) => {
    const set = lines.map(roff);
    return isPlain ? ['.PP', ...set] : ['.PP', '.nf', ...set, '.fi'];
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
