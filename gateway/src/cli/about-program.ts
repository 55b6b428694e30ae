import { explainText, versionText } from '@holdfast/protocol';
import type { Command } from 'commander';
import { debugOption, outputOption, type CommonOptions } from './options.ts';
import { createTerminal } from './terminal.ts';
import { version } from '../version.ts';

/** What tells of the program itself, and asks no gateway. */
export function addAbout(program: Command): void {
  program
    .command('explain')
    .description('Say what an error code means and what to do; without a code, list them')
    .argument('[code]', 'such as HF_TOKEN_INVALID')
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', '\nExample:\n  holdfast-gateway explain HF_STORE_LOCKED\n')
    .action((code: string | undefined, { output }: CommonOptions) => {
      const terminal = createTerminal(output);
      terminal.print(explainText({ code, isJson: output === 'json', screen: terminal }));
    });
  program
    .command('version')
    .description('Show the versions of this program and of what it speaks')
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', '\nExample:\n  holdfast-gateway version -o json\n')
    .action(({ output }: CommonOptions) => {
      const versions = { program: 'holdfast-gateway', version: version() };
      const { node } = process.versions;
      createTerminal(output).print(versionText({ ...versions, node, isJson: output === 'json' }));
    });
}
