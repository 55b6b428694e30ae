import { HoldfastError, formatCount, withProgress } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { StoreRekeyView } from '../rekey-store.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { addStoreOptions, dataDirOf, storeKeyOf, type StoreFlags } from './store-options.ts';

interface Flags extends StoreFlags {
  readonly newKeyFile: string;
  readonly deep?: true;
  readonly output: Format;
}

const about = `
The key that is changed opens the one that the entries are encrypted with, so this takes no time
and rewrites no entry. Who had the old key and a copy of store.key can still read.
An agent that runs goes on; its next start needs the new key.

With --deep, every entry is encrypted anew with a key that was never used, and the old store is
deleted: for when the old key has got into wrong hands. It also encrypts a store that was not. It
works with the agent stopped, and takes as much room as the store. If it is cut off, the store opens
with the old key or with the new one, and the command may be repeated.

Neither changes what lies elsewhere: stores that were moved aside, snapshots, copies.

Examples:
  openssl rand -out /etc/holdfast/new.key 32
  holdfast store rekey --data-dir ./data --store-key-file old.key --new-key-file new.key
  holdfast store rekey --deep --data-dir ./data --store-key-file old.key --new-key-file new.key
`;

export function addStoreRekey(parent: Command, shell: Shell): void {
  addStoreOptions(parent.command('rekey'))
    .description('Change the key that opens an encrypted store.')
    .requiredOption('--new-key-file <path>', 'file with the key that is to open it')
    .option('--deep', 'encrypt every entry anew')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const view = await rekey(flags, shell);
      const shown = { ...view, dataDir: dataDirOf(flags, shell.env) };
      shell.print(flags.output === 'json' ? JSON.stringify(view) : rekeyText(shown, flags));
    });
}

async function rekey(flags: Flags, shell: Shell): Promise<StoreRekeyView> {
  const from = storeKeyOf(flags, shell.env);
  const { rekeyStore, rekeyDeeply } = await import('../rekey-store.ts');
  const [dataDir, to] = [dataDirOf(flags, shell.env), flags.newKeyFile];
  if (flags.deep === true) {
    return withProgress(shell.progress, { what: 'encrypted', unit: 'rows' }, (progress) =>
      rekeyDeeply(dataDir, { from, to }, progress),
    );
  }
  if (from !== undefined) return rekeyStore(dataDir, { from, to });
  throw new HoldfastError('HF_USAGE', { why: 'the old key is missing: --store-key-file' });
}

function rekeyText({ dataDir, rows, aside }: StoreRekeyView, { newKeyFile }: Flags): string {
  const lines = [`${dataDir} opens with ${newKeyFile} from now on.`];
  if (rows !== null) lines.push(`  ${formatCount(rows)} rows were encrypted with a new data key.`);
  if (aside.length > 0) lines.push(`  As they were, beside it: ${aside.join(', ')}`);
  return lines.join('\n');
}
