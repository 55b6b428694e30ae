import { csvText, markdownText } from './table-forms.ts';
import { columnNamed, compareCells, exactText, type TableChoice } from './table-choice.ts';
import { paint, printable, type Tone } from './terminal.ts';
import { formatBytes, formatCount } from './units.ts';

export interface Column {
  /** Printed in upper case. */
  readonly title: string;
  /** Numbers go to the right. Default `left`. */
  readonly align?: 'left' | 'right';
  /** Where width is short, higher numbers are dropped first; 0: never. Default 0. */
  readonly drop?: number;
  /** As the last one, it is cut to so many characters before any column is dropped for it. */
  readonly cutTo?: number;
}

/** A text, or one that programs and spreadsheets know better. */
export type Cell = string | RichCell;

export interface RichCell {
  /** For people: `1,284`, `2.1 MiB`, `4m ago`. */
  readonly text: string;
  readonly tone?: Tone | undefined;
  /** What the text rounds and decorates. */
  readonly raw?: number | string | undefined;
  /** The instant that the text tells the age of. */
  readonly at?: string | null | undefined;
}

export function countCell(count: number): RichCell {
  return { text: formatCount(count), raw: count };
}

export function bytesCell(bytes: number): RichCell {
  return { text: formatBytes(bytes), raw: bytes };
}

export interface TableOptions {
  /** Columns of the terminal. Default: no limit. */
  readonly width?: number | undefined;
  /** Default `false`. */
  readonly color?: boolean | undefined;
  /** Default: all of it. */
  readonly table?: TableChoice | undefined;
}

const GAP = '  ';

/**
 * A table with a header, without a final line end: borderless, or in the form that is chosen. Rows
 * never wrap: columns are dropped by their `drop`, then lines are cut. Cells are made `printable`.
 *
 * @throws HF_USAGE when `options.table` names a column that there is not.
 */
export function renderTable(
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
  options: TableOptions = {},
): string {
  const { table = {} } = options;
  const titles = columns.map(({ title }) => title);
  const cells = rows.map((row) => columns.map((_, index) => cellOf(row[index] ?? '', table)));
  const sorted = sortedRows(cells, titles, table);
  const chosen = table.columns?.map((name) => columnNamed(titles, name));
  if (table.form !== undefined) {
    const shown = chosen ?? columns.map((_, index) => index);
    const write = { csv: csvText, md: markdownText }[table.form];
    return write(
      shown.map((index) => columns[index]).filter((column) => column !== undefined),
      sorted.map((row) => shown.map((index) => row[index]?.shown ?? '')),
      table.hasHeader !== false,
    );
  }
  const header = columns.map((column) => headerCell(column));
  const all = table.hasHeader === false ? sorted : [header, ...sorted];
  const widths = columns.map((_, index) =>
    Math.max(0, ...all.map((row) => displayWidth(row[index]?.shown ?? ''))),
  );
  const width = (table.isWide === true ? undefined : options.width) ?? Number.POSITIVE_INFINITY;
  const shown = chosen ?? fitColumns(columns, widths, width);
  return all
    .map((row) => renderLine({ row, shown, columns, widths, width, color: options.color === true }))
    .join('\n');
}

function sortedRows(
  rows: readonly (readonly PlainCell[])[],
  titles: readonly string[],
  { sort, isDescending = false }: TableChoice,
): readonly (readonly PlainCell[])[] {
  if (sort === undefined) return rows;
  const by = columnNamed(titles, sort);
  const text = (row: readonly PlainCell[]) => row[by]?.text ?? '';
  const sign = isDescending ? -1 : 1;
  return rows.toSorted((a, b) => sign * compareCells(text(a), text(b)));
}

interface PlainCell {
  /** By which rows are sorted. */
  readonly text: string;
  readonly shown: string;
  readonly tone: Tone | undefined;
}

function headerCell({ title }: Column): PlainCell {
  const text = title.toUpperCase();
  return { text, shown: text, tone: 'dim' };
}

function cellOf(cell: Cell, table: TableChoice): PlainCell {
  const { text, tone, ...exact } = typeof cell === 'string' ? { text: cell } : cell;
  return { text, shown: printable(exactText(exact, table) ?? text), tone };
}

/** Positions of the columns that are shown. */
function fitColumns(
  columns: readonly Column[],
  widths: readonly number[],
  width: number,
): readonly number[] {
  let shown = columns.map((_, index) => index);
  const least = (index: number) => {
    const own = widths[index] ?? 0;
    return index === shown.at(-1) ? Math.min(own, columns[index]?.cutTo ?? own) : own;
  };
  const total = () => shown.reduce((sum, index) => sum + least(index) + GAP.length, -GAP.length);
  while (total() > width) {
    const dropOf = (index: number) => columns[index]?.drop ?? 0;
    const highest = Math.max(...shown.map(dropOf));
    if (highest === 0) break;
    const victim = shown.findLast((index) => dropOf(index) === highest);
    shown = shown.filter((index) => index !== victim);
  }
  return shown;
}

interface Line {
  readonly row: readonly PlainCell[];
  readonly shown: readonly number[];
  readonly columns: readonly Column[];
  readonly widths: readonly number[];
  readonly width: number;
  readonly color: boolean;
}

function renderLine(line: Line): string {
  const parts: string[] = [];
  let left = line.width;
  line.shown.forEach((index, position) => {
    const cell = line.row[index];
    if (cell === undefined || left <= 0) return;
    const text = cut(cell.shown, left);
    const blank = ' '.repeat(Math.max(0, (line.widths[index] ?? 0) - displayWidth(cell.shown)));
    const isLast = position === line.shown.length - 1;
    const painted = paint(text, cell.tone, line.color);
    if (line.columns[index]?.align === 'right') parts.push(blank, painted);
    else parts.push(painted, isLast ? '' : blank);
    if (!isLast) parts.push(GAP);
    left -= (line.widths[index] ?? 0) + GAP.length;
  });
  return parts.join('').trimEnd();
}

function cut(text: string, width: number): string {
  if (displayWidth(text) <= width) return text;
  return `${[...text].slice(0, Math.max(0, width - 1)).join('')}…`;
}

/** Code points: names in scripts of double width align less well, and are not cut too early. */
function displayWidth(text: string): number {
  return [...text].length;
}
