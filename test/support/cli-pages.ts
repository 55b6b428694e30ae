import { mkdirSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import type { Command } from 'commander';
import { helpOf, paragraphsOf } from './command-help.ts';
import { allPrograms, leavesOf } from './programs.ts';

/** From `test/dist/support`. */
export const cliPagesUrl = new URL('../../../docs/reference/cli/', import.meta.url);

/** The pages of `docs/reference/cli`, by their names. */
export async function cliPages(): Promise<ReadonlyMap<string, string>> {
  const programs = [...(await allPrograms())];
  return new Map(programs.map(([name, program]) => [`${name}.md`, page(name, program)]));
}

const MADE_FROM = `This page says what \`--help\` says. After a build,
\`node test/dist/support/cli-pages.js\` writes it anew.`;

function page(name: string, program: Command): string {
  const leaves = leavesOf(program);
  const links = leaves.map((leaf) => {
    const title = `${name} ${leaf.name}`;
    return `[\`${leaf.name}\`](#${title.replaceAll(' ', '-')})`;
  });
  const own = helpOf(program);
  return [
    `# ${name}`,
    own.description,
    ...after(own.after),
    `Commands: ${links.join(' · ')}`,
    MADE_FROM,
    ...leaves.map((leaf) => section(`${name} ${leaf.name}`, leaf.command)),
    '',
  ].join('\n\n');
}

function section(title: string, command: Command): string {
  const help = helpOf(command);
  const rows = help.terms.map(([term, meaning]) => `| \`${cell(term)}\` | ${cell(meaning)} |`);
  return [
    `## ${title}`,
    help.description,
    `\`\`\`\n${help.usage}\n\`\`\``,
    ['| argument or option | what it is |', '|---|---|', ...rows].join('\n'),
    ...after(help.after),
  ].join('\n\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}

function after(text: string): readonly string[] {
  return paragraphsOf(text).map(({ lines, isPlain }) =>
    isPlain ? escaped(lines.join(' ')) : `\`\`\`\n${withoutTitle(lines).join('\n')}\n\`\`\``,
  );
}

/** A block of commands needs no word that it is one. */
function withoutTitle(lines: readonly string[]): readonly string[] {
  const isTitled = /^Examples?:$/.test(lines[0] ?? '');
  return (isTitled ? lines.slice(1) : lines).map((line) => line.replace(/^ {2}/, ''));
}

/** What in prose would be taken for a tag. */
function escaped(text: string): string {
  return text.replaceAll('<', '&lt;');
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  mkdirSync(cliPagesUrl, { recursive: true });
  for (const [file, text] of await cliPages()) writeFileSync(new URL(file, cliPagesUrl), text);
}
