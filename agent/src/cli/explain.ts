import { explainText } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';

const about = `
Examples:
  holdfast explain HF_STORE_LOCKED
  holdfast explain -o json
`;

export function addExplain(program: Command, shell: Shell): void {
  program
    .command('explain')
    .description('Say what an error code means and what to do; without a code, list them.')
    .argument('[code]', 'such as HF_STORE_LOCKED')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action((code: string | undefined, { output }: { readonly output: Format }) => {
      shell.print(explainText({ code, isJson: output === 'json', screen: shell }));
    });
}
