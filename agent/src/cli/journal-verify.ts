import { Exit, HoldfastError, formatCount, paint, renderTable } from '@holdfast/protocol/base';
import type { Column } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { JournalVerifyView } from '../verify-journal.ts';
import { formatOption, type Format } from './output-format.ts';
import type { Shell } from './shell.ts';
import { nonEmpty } from './target.ts';

interface Flags {
  readonly dataDir?: string;
  readonly output?: Format;
}

const about = `
Works with the agent stopped. Exit code 1 when anything is not as it was journaled.

Example:
  holdfast journal verify --data-dir ./data
`;

export function addJournalVerify(parent: Command, shell: Shell): void {
  parent
    .command('verify')
    .description('Recompute the hash chain of every entry that is kept.')
    .option('--data-dir <dir>', 'data directory of the agent (HOLDFAST_DATA_DIR)')
    .addOption(formatOption())
    .addHelpText('after', about)
    .action(async (flags: Flags) => {
      const dataDir =
        nonEmpty('--data-dir', flags.dataDir) ?? (shell.env['HOLDFAST_DATA_DIR'] || undefined);
      if (dataDir === undefined) {
        const why = 'no store is named: give --data-dir DIR, or set HOLDFAST_DATA_DIR';
        throw new HoldfastError('HF_USAGE', { why });
      }
      const { verifyJournal } = await import('../verify-journal.ts');
      const view = await verifyJournal(dataDir);
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
