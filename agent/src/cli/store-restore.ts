import { formatCount, withProgress, wrapLine } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { StoreRestoreView } from '../restore-store.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { STORE_KEY_VARIABLE, storeKeyFile } from './store-key-option.ts';
import { dataDirGiven, type StoreFlags } from './store-options.ts';
import { nonEmpty } from './target.ts';

interface Flags extends StoreFlags {
  readonly replace?: true;
  readonly output: Format;
}

const about = `
Works with the agent stopped. The snapshot is read to its end before anything is touched; a store
that is there is moved aside, with --replace, and never deleted.

What was journaled after the snapshot is not in it, and may be in the ledger: the next start
begins a new epoch, with all that the snapshot has. Both epochs stay in the ledger.

With a key, what is not encrypted in the snapshot is so from then on. The store that is moved
aside, and the snapshot, stay as they are.

Example:
  holdfast store restore /mnt/backup/pump-17.snapshot --data-dir ./data --replace
`;

export function addStoreRestore(parent: Command, shell: Shell): void {
  parent
    .command('restore')
    .description('Put the store of a snapshot into a data directory.')
    .argument('<file>', 'the snapshot')
    .option('--data-dir <dir>', 'data directory of the agent (HOLDFAST_DATA_DIR)')
    .option('--replace', 'move a store that is there aside')
    .option('--store-key-file <path>', `encrypt it with this key (${STORE_KEY_VARIABLE})`)
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (file: string, flags: Flags) => {
      const { restoreStore } = await import('../restore-store.ts');
      const storeKey = storeKeyFile(flags, shell.env);
      const options = { replace: flags.replace === true, storeKey };
      const dataDir = dataDirGiven(flags, shell.env);
      const work = { what: 'restored', unit: 'bytes' } as const;
      const view = await withProgress(shell.progress, work, (progress) =>
        restoreStore(nonEmpty('FILE', file), dataDir, { ...options, progress }),
      );
      const lines = restoreLines({ ...view, dataDir });
      const text = lines.map((line) => wrapLine(line, shell.width, 2)).join('\n');
      shell.print(flags.output === 'json' ? JSON.stringify(view) : text);
    });
}

function restoreLines(view: StoreRestoreView): readonly string[] {
  const { dataDir, device, epoch, at, rows, movedTo } = view;
  const what = `${formatCount(rows)} rows of device ${device}, epoch ${epoch}, as of ${at}`;
  const lines = [`${dataDir} has the store of the snapshot: ${what}.`];
  if (movedTo !== null) lines.push(`  The store that was there is ${movedTo} now.`);
  lines.push('  The next start begins a new epoch.');
  return lines;
}
