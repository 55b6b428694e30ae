import { moment, short } from '../../protocol/web/format.ts';
import { ProblemNote } from '../../protocol/web/parts.tsx';
import { Table, type Column } from '../../protocol/web/table.tsx';
import type { JournalRow, JournalView } from '../src/core/views.ts';
import { useLive } from './api.ts';

/** Receipts go in the urgent lane, among other things. */
const LOOKED = 1_000;

const columns: readonly Column<JournalRow>[] = [
  { title: 'When', cell: ({ at }) => moment(at) },
  { title: 'Entry', cell: ({ seq }) => `urgent ${seq}`, isWide: true },
  { title: 'What was said of it', cell: ({ value }) => short(value, 120) || 'applied' },
  { title: 'Receipt', cell: ({ synced }) => (synced ? 'with the gateway' : 'not sent yet') },
];

/** What came of the commands that this device has had lately. */
export function OwnCommands() {
  const { data, problem } = useLive<JournalView>(`journal?lane=urgent&limit=${LOOKED}`);
  const receipts = (data?.rows ?? []).filter(({ kind }) => kind === 'command.receipt');
  return (
    <>
      <ProblemNote problem={problem} />
      <Table
        label="Receipts of commands"
        columns={columns}
        rows={receipts.toReversed()}
        keyOf={({ seq }) => String(seq)}
        empty={data === undefined ? 'Asking…' : 'It has had no command lately.'}
      />
    </>
  );
}
