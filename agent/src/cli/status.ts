import { Exit } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { statusScreen } from './status-screen.ts';
import { addTarget, readAgent, type TargetFlags } from './target.ts';

const about = `
Exits with 0 when the device is offline too: that is a normal state. Exits with 1 when it cannot
journal.

Examples:
  holdfast status --data-dir /var/lib/holdfast
  holdfast status --socket /run/holdfast/agent.sock -o json
`;

export function addStatus(program: Command, shell: Shell): void {
  addTarget(program.command('status'))
    .description('Show how this device is and how far it is ahead of the gateway.')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: TargetFlags & { readonly output: Format }) => {
      const status = await readAgent(shell, flags, (agent) => agent.status());
      shell.print(flags.output === 'json' ? JSON.stringify(status) : statusScreen(status, shell));
      if (status.journal.state !== 'ok') process.exitCode = Exit.failed;
    });
}
