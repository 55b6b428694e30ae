import {
  completionAbout,
  completionScript,
  completionShells,
  completionWords,
  errorCatalogue,
  type CompletionPlace,
  type CompletionShell,
} from '@holdfast/protocol/base';
import { Argument, type Command } from 'commander';
import { readContexts } from './context-file.ts';
import type { Shell } from './shell.ts';
import { readAgent } from './target.ts';

const about = `${completionAbout('holdfast')}
Completes commands, options and their choices, error codes, and the ids of runs and schedules of
the agent that is named by the environment or by the context in use, and the names of contexts.
`;

/** Somebody waits with a finger on a key. */
const ANSWER_MS_MAX = 300;
const IDS_SHOWN = 100;

type AllCommands = () => Promise<Command>;

export function addCompletion(program: Command, shell: Shell, all: AllCommands): void {
  const completion = program
    .command('completion')
    .description('Print a script that completes commands in a shell.')
    .addArgument(new Argument('<shell>').choices(completionShells))
    .addHelpText('after', about)
    .action((name: CompletionShell) => shell.print(completionScript('holdfast', name)));
  completion
    .command('words', { hidden: true })
    .argument('[words...]')
    .action(async (words: readonly string[]) => {
      const found = await completionWords(await all(), words, (place) => idsOf(place, shell));
      if (found.length > 0) shell.print(found.join('\n'));
    });
}

function contextNames(shell: Shell): readonly string[] {
  try {
    return readContexts(shell.env).contexts.map(({ name }) => name);
  } catch {
    return [];
  }
}

/** Nothing when no agent answers soon: completing is no place for an error. */
async function idsOf({ name, prefix }: CompletionPlace, shell: Shell): Promise<readonly string[]> {
  if (name === 'code') return Object.keys(errorCatalogue);
  if (name === 'context' || name === '--context') return contextNames(shell);
  const isRun = name === 'run' || name === '--run';
  if (!isRun && name !== 'schedule') return [];
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<readonly string[]>((resolve) => {
    timer = setTimeout(() => resolve([]), ANSWER_MS_MAX);
  });
  const asked = readAgent(shell, {}, async (agent) => {
    if (isRun) return (await agent.runIds({ prefix, limit: IDS_SHOWN })).ids;
    return (await agent.schedules()).schedules.map(({ id }) => id);
  });
  const ids = await Promise.race([asked.catch(() => []), late]);
  clearTimeout(timer);
  return ids;
}
