import { Exit, formatCount, paint, withProgress } from '@holdfast/protocol';
import type { Column, ExitCode } from '@holdfast/protocol';
import type { VerifyView } from '../core/fleet-views.ts';
import { withFleet, type SourceOptions } from './fleet-source.ts';
import { table } from './tables.ts';
import { show, type Terminal } from './terminal.ts';

/** @returns `failed` when the chain is not whole. */
export async function ledgerVerify(options: SourceOptions, terminal: Terminal): Promise<ExitCode> {
  const view = await withProgress(terminal.progress, { what: 'verified' }, (to) =>
    withFleet(options, (fleet) => fleet.verify(to)),
  );
  show(terminal, view, () => verifyText(view, terminal));
  return view.whole ? Exit.ok : Exit.failed;
}

const columns: readonly Column[] = [
  { title: 'device' },
  { title: 'epoch', align: 'right' },
  { title: 'lane' },
  { title: 'seq', align: 'right' },
  { title: 'what is wrong' },
];

function verifyText(view: VerifyView, terminal: Terminal): string {
  const read = readText(view);
  if (view.whole) return `${paint('✓', 'green', terminal.color)} ${read}: every chain is whole.`;
  const rows = view.faults.map(({ device, epoch, lane, seq, why }) => [
    device,
    formatCount(epoch),
    lane,
    formatCount(seq),
    why,
  ]);
  const count = view.faults.length === 1 ? '1 fault' : `${formatCount(rows.length)} faults`;
  const head = `${paint('✗', 'red', terminal.color)} ${read}: ${count}.`;
  return [head, table(terminal, columns, rows)].join('\n');
}

/** What was read. Declared holes and erased values are told and are no faults. */
function readText(view: VerifyView): string {
  const { erased, absent } = view.contents;
  const gone = [
    ...(erased === 0 ? [] : [`${formatCount(erased)} erased`]),
    ...(absent === 0 ? [] : [`${formatCount(absent)} never came`]),
  ];
  const values = gone.length === 0 ? '' : ` (of erasable values, ${gone.join(' and ')})`;
  return `${entriesText(view)}${values}`;
}

function entriesText({ entries, lanes, holes, pruned }: VerifyView): string {
  const gone = pruned === 0 ? '' : `, ${formatCount(pruned)} more were kept for long enough`;
  const read = `${formatCount(entries)} entries in ${formatCount(lanes)} lanes${gone}`;
  if (holes.count === 0) return read;
  const count =
    holes.count === 1 ? '1 declared hole' : `${formatCount(holes.count)} declared holes`;
  const lost = holes.entries === 1 ? '1 entry' : `${formatCount(holes.entries)} entries`;
  return `${read}, ${count} of ${lost}`;
}
