import type { Command } from 'commander';
import { agentVersion } from '../agent-version.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';

export function addVersion(program: Command, shell: Shell): void {
  program
    .command('version')
    .description('Show the versions of this program and of what it speaks.')
    .addOption(formatOption())
    .addHelpText('after', '\nExamples:\n  holdfast version -o json\n')
    .action(async (flags: { readonly output: Format }) => {
      const { PROTOCOL_VERSION, PROTOCOL_VERSION_MIN } = await import('@holdfast/protocol');
      const node = process.versions.node;
      shell.print(
        flags.output === 'json'
          ? JSON.stringify({
              schema: 'holdfast.version/1',
              version: agentVersion,
              protocol: { min: PROTOCOL_VERSION_MIN, max: PROTOCOL_VERSION },
              node,
            })
          : `holdfast ${agentVersion}, protocol ${PROTOCOL_VERSION}, node ${node}`,
      );
    });
}
