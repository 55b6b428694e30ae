import type { Command } from 'commander';
import { formatOption, type Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, withRun, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  readonly id?: string;
}

const about = `
The new run begins with what the other had done before that operation, and does it and all
behind it anew. The other run stays as it is.

Examples:
  holdfast workflow fork order-1009 authorize-payment --id order-1009-again
  holdfast workflow fork order-1009 3
`;

export function addWorkflowFork(parent: Command, shell: Shell): void {
  addTarget(parent.command('fork'))
    .description('Start a new run that goes another way from one of the steps of this one.')
    .argument('<run>', 'id of the run')
    .argument('<step>', 'name or number of the operation that is done anew')
    .option('--id <id>', 'id of the new run; without it, a new one')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (run: string, step: string, flags: Flags) => {
      const forked = await withAgent(shell, flags, (agent) =>
        withRun(agent, run, (from) => agent.fork({ run: from, step, id: flags.id })),
      );
      const text = `started ${valueText(forked.id)}, forked from ${valueText(forked.run)}`;
      shell.print(flags.output === 'json' ? JSON.stringify(forked) : text);
    });
}
