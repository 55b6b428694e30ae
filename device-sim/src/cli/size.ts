import type { Command } from 'commander';

export interface SizeFlags {
  readonly devices: string;
  readonly entriesPerDay: string;
  readonly entryBytes: string;
  readonly offline: string;
  readonly retention: string;
  readonly linkKbit: string;
  readonly ledgerFor: string;
  readonly measure: boolean;
  readonly output: string;
}

export function addSize(program: Command): void {
  program
    .command('size')
    .description('What a fleet needs of disk, link and gateways.')
    .requiredOption('--devices <number>', 'how many there are')
    .requiredOption('--entries-per-day <number>', 'of one device; a step is one entry')
    .option('--entry-bytes <number>', 'of the payload of an entry, as JSON', '200')
    .option('--offline <duration>', 'the longest that a device is without a link', '8h')
    .option('--retention <duration>', 'how long devices keep what the ledger has', '7d')
    .option('--link-kbit <number>', 'kbit/s that the link of a device carries', '1000')
    .option('--ledger-for <duration>', 'how long the ledger keeps entries', '365d')
    .option('--measure', 'measure on this machine first, for about a minute', false)
    .option('-o, --output <format>', 'text or json', 'text')
    .addHelpText(
      'after',
      '\nExample:\n  holdfast-sim size --devices 500 --entries-per-day 20000 --offline 2d\n',
    )
    .action(async (flags: SizeFlags) => {
      const { size } = await import('./size-fleet.ts');
      await size(flags);
    });
}
