import { explainText, versionText } from '@holdfast/protocol';
import type { Command } from 'commander';
import { version } from '../version.ts';
import { outputOf } from './numbers.ts';

/** What tells of the program itself. */
export function addAbout(program: Command): void {
  const print = (text: string) => void process.stdout.write(`${text}\n`);
  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  program
    .command('explain')
    .description('Say what an error code means, or list them all.')
    .argument('[code]', 'such as HF_CONFIG_INVALID')
    .option('-o, --output <format>', 'text or json', 'text')
    .addHelpText('after', '\nExample:\n  holdfast-sim explain HF_CONFIG_INVALID\n')
    .action((code: string | undefined, { output }: { readonly output: string }) => {
      const isJson = outputOf(output) === 'json';
      print(explainText({ code, isJson, screen: { width } }));
    });
  program
    .command('version')
    .description('Show the versions of this program.')
    .option('-o, --output <format>', 'text or json', 'text')
    .addHelpText('after', '\nExample:\n  holdfast-sim version -o json\n')
    .action(({ output }: { readonly output: string }) => {
      const isJson = outputOf(output) === 'json';
      const { node } = process.versions;
      print(versionText({ program: 'holdfast-sim', version: version(), node, isJson }));
    });
}
