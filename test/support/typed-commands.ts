import type { Command } from 'commander';

/** Words of a shell line: quotes hold them together. */
function wordsOf(line: string): readonly string[] {
  const words = line.match(/(?:"[^"]*"|'[^']*'|\$\([^)]*\)|[^\s"'])+/g) ?? [];
  // A sentence may end with a command, and what is left out stands for nothing.
  const typed = words.filter((word) => word !== '…').map((word) => word.replace(/\.$/, ''));
  return typed.map((word) => word.replace(/^(['"])(.*)\1$/, '$2'));
}

/** What a shell does not hand to the program. */
const isEnd = (word: string): boolean => /^(?:[|&;>#]|\d?>|<$|\))/.test(word);

/** What may stand before a program. */
const before = new Set(['sudo', 'npx', '$', 'time']);

/** Commands of our programs in the code blocks of a page, each as its words. */
export function typedCommands(page: string, names: readonly string[]): readonly string[][] {
  const blocks = [...page.matchAll(/^```(?:sh|text|)\n(.*?)^```$/gms)].map(([, code = '']) => code);
  const lines = blocks.flatMap((code) => code.replace(/\\\n\s*/g, ' ').split('\n'));
  return lines.flatMap((line) => {
    const words = wordsOf(line.trim());
    const at = words.findIndex((word) => !before.has(word) && !/^[A-Z_]+=/.test(word));
    const [name = '', ...args] = words.slice(Math.max(0, at));
    // How a command is used in general is no line that somebody types.
    if (!names.includes(name) || line.includes('[options]')) return [];
    const end = args.findIndex(isEnd);
    return [[name, ...(end === -1 ? args : args.slice(0, end))]];
  });
}

/** Why a program would not take these words; `undefined`: it would, as far as its parser goes. */
export function wrongWith(
  [name = '', ...args]: readonly string[],
  programs: ReadonlyMap<string, Command>,
): string | undefined {
  const program = programs.get(name);
  if (program === undefined) return 'there is no such program';
  let command: Command = program;
  let given = 0;
  for (let at = 0; at < args.length; at += 1) {
    const word = args[at] ?? '';
    const inner = command.commands.find((each) => each.name() === word);
    if (word.startsWith('-') && word !== '-') {
      const [flag] = word.split('=', 1);
      if (['--help', '-h', '--debug', '--version', '-V'].includes(word)) continue;
      const option = command.options.find((each) => each.long === flag || each.short === flag);
      if (option === undefined) return `it has no ${flag}`;
      if (option.required && !word.includes('=')) at += 1;
    } else if (given === 0 && inner !== undefined) command = inner;
    else given += 1;
  }
  if (command.commands.length > 0 && command.registeredArguments.length === 0) {
    return given === 0 ? undefined : 'there is no such command';
  }
  const needed = command.registeredArguments.filter(({ required }) => required).length;
  const isMany = command.registeredArguments.some(({ variadic }) => variadic);
  const most = isMany ? Number.POSITIVE_INFINITY : command.registeredArguments.length;
  if (given < needed || given > most) return `it takes ${needed} to ${most} words, not ${given}`;
  return undefined;
}
