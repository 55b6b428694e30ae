import { columnNamed, compareCells, type TableChoice } from './table-choice.ts';
import { formatCount } from './units.ts';

/** Red: act now. Yellow: watch. Green: the words `synced` and `✓`. Cyan: ids. Dim: secondary. */
export type Tone = 'red' | 'yellow' | 'green' | 'cyan' | 'dim' | 'bold';

const tones: Readonly<Record<Tone, readonly [number, number]>> = {
  red: [31, 39],
  yellow: [33, 39],
  green: [32, 39],
  cyan: [36, 39],
  dim: [2, 22],
  bold: [1, 22],
};

/** The text in a tone, or as it is where colours are not wanted. */
export function paint(text: string, tone: Tone | undefined, color: boolean): string {
  if (!color || tone === undefined || text === '') return text;
  const [on, off] = tones[tone];
  return `\u001b[${on}m${text}\u001b[${off}m`;
}

/** Whether output to this stream is to be coloured, by <https://no-color.org> and `TERM`. */
export function wantsColor(
  stream: { readonly isTTY?: boolean },
  env: Readonly<Record<string, string | undefined>>,
): boolean {
  return stream.isTTY === true && (env['NO_COLOR'] ?? '') === '' && env['TERM'] !== 'dumb';
}

/**
 * Text that came from elsewhere, safe to print: control characters, which could steer the
 * terminal, and overrides of the writing direction are shown as `·`.
 */
export function printable(text: string): string {
  // eslint-disable-next-line no-control-regex -- Control characters are what is replaced.
  return text.replace(/[\u0000-\u001f\u007f-\u009f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g, '·');
}

/** How long ago, in one unit: `now`, `12s ago`, `4m ago`, `3h ago`, `2d ago`; or `in 4m`. */
export function relativeTime(agoMs: number): string {
  const seconds = Math.floor(Math.abs(agoMs) / 1_000);
  if (seconds === 0) return 'now';
  const text =
    seconds < 60
      ? `${seconds}s`
      : seconds < 3_600
        ? `${Math.floor(seconds / 60)}m`
        : seconds < 86_400
          ? `${Math.floor(seconds / 3_600)}h`
          : `${formatCount(Math.floor(seconds / 86_400))}d`;
  return agoMs < 0 ? `in ${text}` : `${text} ago`;
}

export interface Column {
  /** Printed in upper case. */
  readonly title: string;
  /** Numbers go to the right. Default `left`. */
  readonly align?: 'left' | 'right';
  /** Where width is short, higher numbers are dropped first; 0: never. Default 0. */
  readonly drop?: number;
}

export type Cell = string | { readonly text: string; readonly tone: Tone };

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
 * A borderless table with a header, without a final line end. Rows never wrap: columns are dropped
 * by their `drop`, then lines are cut. Cells are made `printable`.
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
  const header = columns.map((column): Cell => ({ text: column.title.toUpperCase(), tone: 'dim' }));
  const cells = (row: readonly Cell[]) => columns.map((_, index) => cellOf(row[index] ?? ''));
  const sorted = sortedRows(rows.map(cells), titles, table);
  const all = table.hasHeader === false ? sorted : [cells(header), ...sorted];
  const widths = columns.map((_, index) =>
    Math.max(0, ...all.map((row) => displayWidth(row[index]?.text ?? ''))),
  );
  const width = options.width ?? Number.POSITIVE_INFINITY;
  const chosen = table.columns?.map((name) => columnNamed(titles, name));
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
  readonly text: string;
  readonly tone: Tone | undefined;
}

function cellOf(cell: Cell): PlainCell {
  return typeof cell === 'string'
    ? { text: printable(cell), tone: undefined }
    : { text: printable(cell.text), tone: cell.tone };
}

/** Positions of the columns that are shown. */
function fitColumns(
  columns: readonly Column[],
  widths: readonly number[],
  width: number,
): readonly number[] {
  let shown = columns.map((_, index) => index);
  const total = () =>
    shown.reduce((sum, index) => sum + (widths[index] ?? 0) + GAP.length, -GAP.length);
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
    const text = cut(cell.text, left);
    const blank = ' '.repeat(Math.max(0, (line.widths[index] ?? 0) - displayWidth(cell.text)));
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
