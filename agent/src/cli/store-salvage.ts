import { Exit, formatCount, withProgress } from '@holdfast/protocol/base';
import { Option, type Command } from 'commander';
import type { LostRange } from '../core/salvage.ts';
import type { StoreSalvageView } from '../salvage-store.ts';
import { besideOutput, type Shell } from './shell.ts';
import { storeKeyFile, STORE_KEY_VARIABLE, type StoreKeyFlags } from './store-key-option.ts';
import { nonEmpty } from './target.ts';

interface Flags extends StoreKeyFlags {
  readonly workDir?: string;
}

const about = `
For a store that an agent has moved aside, or cannot be started on: the agent itself salvages
what it finds at its start. DIR is a data directory, or a store such as store.bad-TIME in one.
Its files are read without LevelDB, and not changed.

Prints the entries as \`store export\` does, and then, on stderr, what it could not read, as a
JSON document of the schema holdfast.store-salvage/1. Exit code 1 when there was any.

Example:
  holdfast store salvage ./data/store.bad-2026-11-23T10-15-00Z > entries.jsonl
`;

export function addStoreSalvage(parent: Command, shell: Shell): void {
  parent
    .command('salvage')
    .description('Print every entry that can be read of a damaged store.')
    .argument('<dir>', 'the store, or its data directory')
    .option('--store-key-file <path>', `key of an encrypted store (${STORE_KEY_VARIABLE})`)
    .option('--work-dir <dir>', 'where to sort what is read; default: the directory for such')
    .addOption(new Option('-o, --output <format>', 'always JSON lines').choices(['jsonl']))
    .addHelpText('after', about)
    .action(async (dir: string, flags: Flags) => {
      const { salvageReading } = await import('../salvage-store.ts');
      const storeKey = storeKeyFile(flags, shell.env);
      const reading = { storeKey, workDir: nonEmpty('--work-dir', flags.workDir) };
      const view = await withProgress(besideOutput(shell), { what: 'read' }, (to) => {
        let told = 0;
        return salvageReading(nonEmpty('DIR', dir), reading, (line) => {
          shell.print(JSON.stringify(line));
          told += 1;
          to(told);
        });
      });
      shell.say(JSON.stringify(view));
      shell.say(summary(view));
      if (countOf(view.changed) + countOf(view.missing) + view.damagedFiles.length > 0) {
        process.exitCode = Exit.failed;
      }
    });
}

function summary({ entries, changed, missing, damagedFiles }: StoreSalvageView): string {
  const parts = [
    `${formatCount(entries)} entries read`,
    `${formatCount(countOf(changed))} changed`,
    `${formatCount(countOf(missing))} missing`,
    `${formatCount(damagedFiles.length)} damaged files`,
  ];
  return `${parts.join(', ')}.`;
}

function countOf(ranges: readonly LostRange[]): number {
  return ranges.reduce((sum, { first, last }) => sum + last - first + 1, 0);
}
