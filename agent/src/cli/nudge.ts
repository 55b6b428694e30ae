import type { Command } from 'commander';
import { linkSign } from './link-line.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { addTarget, withAgent, type TargetFlags } from './target.ts';

const about = `
For whoever knows that the network is there, such as a hook of the network manager: the
agent then does not wait for the next try of its own. Does nothing where it is connected.

Examples:
  holdfast nudge
`;

export function addNudge(program: Command, shell: Shell): void {
  addTarget(program.command('nudge'))
    .description('Have the agent connect to the gateway now.')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: TargetFlags & { readonly output: Format }) => {
      const nudged = await withAgent(shell, flags, (agent) => agent.nudge());
      shell.print(flags.output === 'json' ? JSON.stringify(nudged) : linkSign(nudged.link, shell));
    });
}
