import { formatBytes, withProgress } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { StoreMigrateView } from '../migrate-store.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { addStoreOptions, dataDirOf, storeKeyOf, type StoreFlags } from './store-options.ts';

interface Flags extends StoreFlags {
  readonly dryRun?: true;
  readonly output: Format;
}

const about = `
The start of a new version does the same by itself. The new store is made beside the old one,
which is kept as store.format-N-TIME: a power cut at any moment leaves the one or the other.
To go back to the old version, stop the agent, move store/ aside, and give the old store its name
again: what was journaled since stays with the newer store, and a new epoch begins.

Examples:
  holdfast store migrate --dry-run --data-dir ./data
`;

export function addStoreMigrate(parent: Command, shell: Shell): void {
  addStoreOptions(parent.command('migrate'))
    .description('Bring the store up to the format of this version.')
    .option('--dry-run', 'only tell what would be done')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const { migrateData } = await import('../migrate-store.ts');
      const own = { dryRun: flags.dryRun === true, storeKey: storeKeyOf(flags, shell.env) };
      const dataDir = dataDirOf(flags, shell.env);
      const work = { what: 'migrated', unit: 'rows' } as const;
      const view = await withProgress(shell.progress, work, (progress) =>
        migrateData(dataDir, { ...own, progress }),
      );
      shell.print(flags.output === 'json' ? JSON.stringify(view) : migrateText(view));
    });
}

function migrateText({ from, to, bytesNeeded, bytesFree, movedTo }: StoreMigrateView): string {
  if (from === to) return `The store has format ${to}, as this version: there is nothing to do.`;
  const room = `it needs ${formatBytes(bytesNeeded)}, and ${formatBytes(bytesFree)} are free`;
  if (movedTo === null) return `The store would go from format ${from} to ${to}; ${room}.`;
  return `The store has format ${to} now. The old one, of format ${from}, is ${movedTo}.`;
}
