import type { Command } from 'commander';
import { formatOption, type Format } from './output-format.ts';
import { valueText } from './run-line.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, withRun, type TargetFlags } from './target.ts';

interface Flags extends TargetFlags {
  readonly output: Format;
  readonly reason: string;
  readonly force?: true;
}

const about = `
What the run awaits rejects with HF_RUN_CANCELLED, so that it can clean up. With --force it
ends at once, and none of its code runs any more.

The wish is on stable storage once this command has ended with 0; \`holdfast wait --run\` waits
until the run has ended.

Examples:
  holdfast cancel order-1009 --reason 'customer left'
  holdfast cancel order-1009 --force
`;

export function addCancel(program: Command, shell: Shell): void {
  addTarget(program.command('cancel'))
    .description('Cancel a run.')
    .argument('<run>', 'id of the run')
    .option('--reason <text>', 'kept in the journal', '')
    .option('--force', 'end it without a clean-up')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (run: string, flags: Flags) => {
      const { reason, force } = flags;
      const sent = await withAgent(shell, flags, (agent) =>
        withRun(agent, run, (id) => agent.cancel({ run: id, reason, force })),
      );
      const verb = force === true ? 'cancelled' : 'cancelling';
      shell.print(
        flags.output === 'json' ? JSON.stringify(sent) : `${verb} ${valueText(sent.run)}`,
      );
    });
}
