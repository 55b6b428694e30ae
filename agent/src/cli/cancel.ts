import type { Command } from 'commander';
import { formatOption, type Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  readonly reason: string;
}

const about = `
The wish is on stable storage once this command has ended with 0; \`holdfast wait --run\` waits
until the run has ended.

Examples:
  holdfast cancel order-1009 --reason 'customer left'
`;

export function addCancel(program: Command, shell: Shell): void {
  addTarget(program.command('cancel'))
    .description('Cancel a run.')
    .argument('<run>', 'id of the run')
    .option('--reason <text>', 'kept in the journal', '')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (run: string, flags: Flags) => {
      const sent = await withAgent(shell, flags, (agent) => agent.cancel({ run, reason: flags.reason }));
      shell.print(flags.output === 'json' ? JSON.stringify(sent) : `cancelling ${valueText(run)}`);
    });
}
