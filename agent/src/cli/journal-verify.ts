import { Exit, formatCount, paint, renderTable, withProgress } from '@holdfast/protocol/base';
import type { Column } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { JournalVerifyView } from '../verify-journal.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { addStoreOptions, dataDirOf, storeKeyOf, type StoreFlags } from './store-options.ts';

interface Flags extends StoreFlags {
  readonly output?: Format;
}

const about = `
While the agent runs, what it reads is looked at, and not its files. Exit code 1 when anything is
not as it was journaled.

Example:
  holdfast journal verify --data-dir ./data
`;

export function addJournalVerify(parent: Command, shell: Shell): void {
  addStoreOptions(parent.command('verify'))
    .description('Recompute the hash chain of every entry that is kept.')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const { verifyJournal } = await import('../verify-journal.ts');
      const [dataDir, key] = [dataDirOf(flags, shell.env), storeKeyOf(flags, shell.env)];
      const view = await withProgress(shell.progress, { what: 'verified' }, (to) =>
        verifyJournal(dataDir, key, to),
      );
      shell.print(flags.output === 'json' ? JSON.stringify(view) : verifyScreen(view, shell));
      if (!view.whole) process.exitCode = Exit.failed;
    });
}

const columns: readonly Column[] = [
  { title: 'lane' },
  { title: 'seq', align: 'right' },
  { title: 'what is wrong' },
];

function verifyScreen(view: JournalVerifyView, screen: Pick<Shell, 'color' | 'width'>): string {
  const cross = paint('✗', 'red', screen.color);
  if (view.store !== null) return `${cross} The store is damaged: ${view.store}.`;
  const read = `${formatCount(view.entries)} entries in ${formatCount(view.lanes)} lanes`;
  if (view.whole) return `${paint('✓', 'green', screen.color)} ${read}: every chain is whole.`;
  const count = view.faults.length === 1 ? '1 fault' : `${formatCount(view.faults.length)} faults`;
  const rows = view.faults.map(({ lane, seq, why }) => [lane, formatCount(seq), why]);
  return [`${cross} ${read}: ${count}.`, renderTable(columns, rows, screen)].join('\n');
}
