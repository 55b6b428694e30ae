import {
  completionAbout,
  completionScript,
  completionShells,
  completionWords,
  type CompletionShell,
} from '@holdfast/protocol';
import { Argument, type Command } from 'commander';
import { scenarioNames } from '../scenario/scenario-names.ts';

const about = `${completionAbout('holdfast-sim')}
Completes commands, options and the names of scenarios.
`;

export function addCompletion(program: Command): void {
  const completion = program
    .command('completion')
    .description('Print a script that completes commands in a shell.')
    .addArgument(new Argument('<shell>').choices(completionShells))
    .addHelpText('after', about)
    .action((shell: CompletionShell) => {
      process.stdout.write(`${completionScript('holdfast-sim', shell)}\n`);
    });
  completion
    .command('words', { hidden: true })
    .argument('[words...]')
    .action(async (words: readonly string[]) => {
      const isScenario = (name: string) => name === 'scenario' || name === '--scenario';
      const found = await completionWords(program, words, async ({ name }) =>
        isScenario(name) ? scenarioNames() : [],
      );
      if (found.length > 0) process.stdout.write(`${found.join('\n')}\n`);
    });
}
