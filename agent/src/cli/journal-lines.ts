import {
  bytesCell,
  countCell,
  isTableAlone,
  renderTable,
  type Cell,
  type Column,
} from '@holdfast/protocol/base';
import type { JournalRow } from '../core/views.ts';
import { clockLegend, clockMark } from './clock-marks.ts';
import type { Screen } from './link-line.ts';
import { valueText } from './run-line.ts';

const columns: readonly Column[] = [
  { title: 'lane' },
  { title: 'seq', align: 'right' },
  { title: 'time', drop: 2 },
  { title: 'kind' },
  { title: 'run', drop: 3 },
  { title: 'name', drop: 1 },
  { title: 'size', align: 'right', drop: 5 },
  { title: 'sync' },
  { title: 'value', drop: 4 },
];
/** For other programs: a person gets the bytes below the entry. */
const withHex: readonly Column[] = [...columns, { title: 'hex' }];

/** Entries as a table, without a final line end. */
export function journalScreen(rows: readonly JournalRow[], screen: Screen): string {
  const isAlone = isTableAlone(screen.table);
  const hasHex = rows.some(({ hex }) => hex !== undefined);
  const text = renderTable(isAlone && hasHex ? withHex : columns, rows.map(rowCells), screen);
  if (isAlone) return text;
  if (rows.length === 0) return 'There are no such entries.';
  const shown = hasHex ? rows.map((row) => rowLine(row, screen)).join('\n') : text;
  return [shown, ...clockLegend(rows)].join('\n');
}

function rowCells(row: JournalRow): Cell[] {
  return [
    row.lane,
    countCell(row.seq),
    { text: row.at + clockMark(row), at: row.at },
    row.kind,
    row.run === null ? '-' : { text: row.run, tone: 'cyan' },
    row.name ?? '-',
    bytesCell(row.bytes),
    row.synced ? { text: '✓', tone: 'green', raw: 'yes' } : { text: '◌', tone: 'dim', raw: 'no' },
    row.value === null ? '' : valueText(row.value),
    row.hex ?? '',
  ];
}

/** One entry, decoded; below it its bytes, where they are there. */
export function rowLine(row: JournalRow, { width }: Pick<Screen, 'width'>): string {
  const value = row.value === null ? '' : `  ${valueText(row.value)}`;
  const position = `${row.lane}/${row.seq}`.padEnd(14);
  const sync = row.synced ? '✓' : '◌';
  const names = `${valueText(row.run ?? '-')}  ${valueText(row.name ?? '-')}`;
  const kind = row.kind.padEnd(16);
  const line = `${row.at}${clockMark(row)}  ${position} ${sync} ${kind} ${names}${value}`;
  return [line, ...hexLines(row.hex ?? '', width)].join('\n');
}

/** Of a line where nothing says how wide it may be. */
const COLUMNS = 80;
const OFFSET_COLUMNS = '  0000  '.length;

/** As `xxd` has them: the offset, then bytes, as many as fit. */
function hexLines(hex: string, width = COLUMNS): string[] {
  const fitting = Math.floor((width - OFFSET_COLUMNS + 1) / 3);
  const bytes = Math.max(1, fitting >= 8 ? fitting - (fitting % 8) : fitting);
  const rows = hex.match(new RegExp(`.{1,${2 * bytes}}`, 'g')) ?? [];
  return rows.map((row, index) => {
    const offset = (index * bytes).toString(16).padStart(4, '0');
    return `  ${offset}  ${(row.match(/../g) ?? []).join(' ')}`;
  });
}
