import {
  bytesCell,
  countCell,
  formatCount,
  renderTable,
  type Cell,
  type Column,
  type RichCell,
} from '@holdfast/protocol/base';
import type { BacklogPartsView, BacklogView } from '../core/views.ts';
import { age, type Screen } from './link-line.ts';

const workflowColumns: readonly Column[] = [
  { title: 'by workflow' },
  { title: 'pending', align: 'right' },
  { title: 'bytes', align: 'right' },
  { title: 'oldest', align: 'right' },
  { title: 'runs', align: 'right' },
];
const kindColumns: readonly Column[] = [
  { title: 'by kind' },
  { title: 'pending', align: 'right' },
  { title: 'bytes', align: 'right' },
];

/** What the backlog is made of, the most first: so many rows of each at most. */
export function partsLines(view: BacklogView, rowsMax: number, screen: Screen): string[] {
  const { parts } = view;
  if (parts === undefined || view.pending === 0) return [];
  const isSample = parts.read < view.pending;
  const note = `≈ by ${formatCount(parts.read)} of them, spread evenly; of runs at least so many.`;
  return [
    '',
    ...workflowLines(parts, rowsMax, { isSample, screen }),
    '',
    ...kindLines(parts, rowsMax, { isSample, screen }),
    ...(isSample ? ['', note] : []),
  ];
}

interface Shown {
  readonly isSample: boolean;
  readonly screen: Screen;
}

function workflowLines(
  { byWorkflow }: BacklogPartsView,
  rowsMax: number,
  { isSample, screen }: Shown,
): string[] {
  const rows = byWorkflow
    .slice(0, rowsMax)
    .map((row): Cell[] => [
      row.workflow ?? '(no run)',
      about(countCell(row.pending), isSample),
      about(bytesCell(row.bytes), isSample),
      row.oldestAt === null ? '-' : age(row.oldestAt, screen),
      row.runs === 0 ? '-' : about(countCell(row.runs), isSample, '≥'),
    ]);
  return [renderTable(workflowColumns, rows, screen), ...more(byWorkflow.length - rows.length)];
}

function kindLines(
  { byKind }: BacklogPartsView,
  rowsMax: number,
  { isSample, screen }: Shown,
): string[] {
  const rows = byKind
    .slice(0, rowsMax)
    .map(({ kind, pending, bytes }): Cell[] => [
      kind,
      about(countCell(pending), isSample),
      about(bytesCell(bytes), isSample),
    ]);
  return [renderTable(kindColumns, rows, screen), ...more(byKind.length - rows.length)];
}

function about(cell: RichCell, isSample: boolean, sign = '≈'): RichCell {
  return isSample ? { ...cell, text: `${sign} ${cell.text}` } : cell;
}

function more(count: number): string[] {
  if (count <= 0) return [];
  return [`… and ${formatCount(count)} ${count === 1 ? 'other' : 'others'}: -o json has them.`];
}
