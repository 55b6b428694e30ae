import { HoldfastError } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { storeKeyFile } from './store-key-option.ts';
import { addStoreOptions, dataDirOf, type StoreFlags } from './store-options.ts';

interface Flags extends StoreFlags {
  readonly newKeyFile: string;
  readonly output: Format;
}

const about = `
The key that is changed opens the one that the entries are encrypted with, so this takes no time
and rewrites no entry. Who had the old key and a copy of store.key can still read.
An agent that runs goes on; its next start needs the new key.

Example:
  openssl rand -out /etc/holdfast/new.key 32
  holdfast store rekey --data-dir ./data --store-key-file old.key --new-key-file new.key
`;

export function addStoreRekey(parent: Command, shell: Shell): void {
  addStoreOptions(parent.command('rekey'))
    .description('Change the key that opens an encrypted store.')
    .requiredOption('--new-key-file <path>', 'file with the key that is to open it')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const from = storeKeyFile(flags, shell.env);
      if (from === undefined) {
        throw new HoldfastError('HF_USAGE', { why: 'the old key is missing: --store-key-file' });
      }
      const { rekeyStore } = await import('../rekey-store.ts');
      const view = rekeyStore(dataDirOf(flags, shell.env), { from, to: flags.newKeyFile });
      const text = `${view.dataDir} opens with ${flags.newKeyFile} from now on.`;
      shell.print(flags.output === 'json' ? JSON.stringify(view) : text);
    });
}
