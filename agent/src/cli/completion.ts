import { errorCatalogue } from '@holdfast/protocol/base';
import { Argument, type Command } from 'commander';
import type { Shell } from './shell.ts';
import { readAgent } from './target.ts';

const about = `
Prints a script for a shell. In ~/.bashrc, ~/.zshrc or ~/.config/fish/config.fish:

  source <(holdfast completion bash)
  source <(holdfast completion zsh)
  holdfast completion fish | source

Completes commands, options and their choices, error codes, and the ids of runs and schedules of
the agent that is named by the environment.
`;

/** Each asks this program for the words that fit, one a line. */
const scripts: Readonly<Record<string, string>> = {
  bash: `_holdfast() {
  local typed=("\${COMP_WORDS[@]:1:COMP_CWORD}")
  mapfile -t COMPREPLY < <(holdfast completion words -- "\${typed[@]}" 2>/dev/null)
}
complete -o default -F _holdfast holdfast`,
  zsh: `_holdfast() {
  compadd -- \${(f)"$(holdfast completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"}
}
compdef _holdfast holdfast`,
  fish: `function _holdfast
  holdfast completion words -- (commandline -opc)[2..] (commandline -ct) 2>/dev/null
end
complete -c holdfast -f -a '(_holdfast)'`,
};

/** Somebody waits with a finger on a key. */
const ANSWER_MS_MAX = 300;
const IDS_SHOWN = 100;

type AllCommands = () => Promise<Command>;

export function addCompletion(program: Command, shell: Shell, all: AllCommands): void {
  const completion = program
    .command('completion')
    .description('Print a script that completes commands in a shell.')
    .addArgument(new Argument('<shell>').choices(Object.keys(scripts)))
    .addHelpText('after', about)
    .action((name: string) => shell.print(scripts[name] ?? ''));
  completion
    .command('words', { hidden: true })
    .argument('[words...]')
    .action(async (words: readonly string[]) => {
      const found = await wordsFor(await all(), words, shell);
      if (found.length > 0) shell.print(found.join('\n'));
    });
}

/** What can stand in the place of the last word. */
async function wordsFor(
  program: Command,
  words: readonly string[],
  shell: Shell,
): Promise<readonly string[]> {
  const prefix = words.at(-1) ?? '';
  const before = words.slice(0, -1);
  let command = program;
  let given = 0;
  for (const word of before) {
    const inner = command.commands.find((each) => each.name() === word);
    if (inner !== undefined) command = inner;
    else if (!word.startsWith('-')) given += 1;
  }
  const candidates = await candidatesOf(
    command,
    { last: before.at(-1) ?? '', prefix, given },
    shell,
  );
  return candidates.filter((each) => each.startsWith(prefix)).toSorted();
}

interface Place {
  /** The word before. */
  readonly last: string;
  readonly prefix: string;
  /** Arguments that were given already, and values of options. */
  readonly given: number;
}

async function candidatesOf(
  command: Command,
  { last, prefix, given }: Place,
  shell: Shell,
): Promise<readonly string[]> {
  const option = command.options.find((each) => each.long === last || each.short === last);
  if (option !== undefined && (option.required || option.optional)) return option.argChoices ?? [];
  if (prefix.startsWith('-')) return ['--help', ...command.options.map((each) => each.long ?? '')];
  const inner = command.createHelp().visibleCommands(command);
  const named = inner.map((each) => each.name()).filter((name) => name !== 'help');
  if (named.length > 0) return named;
  const argument = command.registeredArguments[given];
  if (argument?.argChoices !== undefined) return argument.argChoices;
  if (argument?.name() === 'code') return Object.keys(errorCatalogue);
  return idsOf(argument?.name(), prefix, shell);
}

/** Nothing when no agent answers soon: completing is no place for an error. */
async function idsOf(what: string | undefined, prefix: string, shell: Shell) {
  if (what !== 'run' && what !== 'schedule') return [];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), ANSWER_MS_MAX);
  });
  const asked = readAgent(shell, {}, async (agent) => {
    if (what === 'run') return (await agent.runIds({ prefix, limit: IDS_SHOWN })).ids;
    return (await agent.schedules()).schedules.map(({ id }) => id);
  });
  const ids = await Promise.race([asked.catch(() => []), late]);
  clearTimeout(timer);
  return ids;
}
