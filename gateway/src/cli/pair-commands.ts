import type { Command } from 'commander';
import type { SourceOptions } from './fleet-source.ts';
import { append, debugOption, outputOption, sourceOf, type CommonOptions } from './options.ts';
import { pairApprove, pairDeny, pairLs, type ApproveOptions } from './pair.ts';
import { createTerminal } from './terminal.ts';

/** Devices that ask to be let in without a token. */
export function addPair(program: Command): void {
  const pair = program.command('pair').description('Let in devices that ask without a token');
  const common = (name: string): Command => sourceOf(pair, name);
  common('ls')
    .description('Show the devices that wait')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((options: SourceOptions & CommonOptions) =>
      pairLs(options, createTerminal(options.output)),
    );
  common('approve')
    .description('Let in the device that shows this code, and these words')
    .argument('<code>', 'as the device shows it')
    .requiredOption('--words <words>', 'as the device shows them')
    .option('--replace', 'also where the gateway knows it by another key, which ends')
    .option('--tag <name=value>', 'that it gets; repeatable', append)
    .addOption(outputOption())
    .addOption(debugOption())
    .addHelpText('after', approveHelp)
    .action((code: string, options: ApproveOptions & CommonOptions) =>
      pairApprove(code, options, createTerminal(options.output)),
    );
  common('deny')
    .description('Do not let in the device that shows this code')
    .argument('<code>', 'as the device shows it')
    .addOption(outputOption())
    .addOption(debugOption())
    .action((code: string, options: SourceOptions & CommonOptions) =>
      pairDeny(code, options, createTerminal(options.output)),
    );
}

const approveHelp = `
The words come from the device's own screen, and from nowhere else: if somebody stands between it
and this gateway they are other ones, and it is refused. After three wrong ones it begins again.

Examples:
  holdfast-gateway pair approve 7F3K-Q2 --words 'amber otter canal' --data-dir ./gateway`;
