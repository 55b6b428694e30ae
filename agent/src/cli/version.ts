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
      const { versionText } = await import('@holdfast/protocol');
      const { node } = process.versions;
      const isJson = flags.output === 'json';
      shell.print(versionText({ program: 'holdfast', version: agentVersion, node, isJson }));
    });
}
