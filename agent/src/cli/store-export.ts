import { withProgress } from '@holdfast/protocol/base';
import { Option, type Command } from 'commander';
import { besideOutput, type Shell } from './shell.ts';
import { addStoreOptions, dataDirOf, storeKeyOf, type StoreFlags } from './store-options.ts';

const about = `
While the agent runs, it has what was durable when it was begun. Each line is a JSON document of the
schema holdfast.entry/1: lane and seq, whether the ledger is known to have it, its bytes, and what
they say. It has what runs were given and what their steps returned: keep it as secret as these.

Example:
  holdfast store export --data-dir ./data > journal.jsonl
`;

export function addStoreExport(parent: Command, shell: Shell): void {
  addStoreOptions(parent.command('export'))
    .description('Print every entry of the journal, a line each.')
    .addOption(new Option('-o, --output <format>', 'always JSON lines').choices(['jsonl']))
    .addHelpText('after', about)
    .action(async (flags: StoreFlags) => {
      const { exportStore } = await import('../export-store.ts');
      const [dataDir, storeKey] = [dataDirOf(flags, shell.env), storeKeyOf(flags, shell.env)];
      await withProgress(besideOutput(shell), { what: 'exported' }, (progress) =>
        exportStore(dataDir, { storeKey, progress }, (line) => shell.print(JSON.stringify(line))),
      );
    });
}
