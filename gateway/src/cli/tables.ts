import {
  isTableAlone,
  paint,
  printable,
  relativeTime,
  renderTable,
  wrapLine,
  type Cell,
  type Column,
  type RichCell,
} from '@holdfast/protocol';
import type { ProblemView } from '../core/device-views.ts';
import type { Terminal } from './terminal.ts';

export function table(
  terminal: Terminal,
  columns: readonly Column[],
  rows: readonly (readonly Cell[])[],
): string {
  const { width, color, table: choice } = terminal;
  return renderTable(columns, rows, { width, color, table: choice });
}

/** How long ago a moment of a view was; `-` for none. */
export function ago(terminal: Terminal, at: string | null): RichCell {
  return { text: at === null ? '-' : relativeTime(terminal.nowMs - Date.parse(at)), at };
}

/** What is told below a table; nothing where somebody else reads the table. */
export function below(terminal: Terminal, lines: readonly string[]): readonly string[] {
  return isTableAlone(terminal.table) ? [] : lines;
}

/** Problems as lines at the end of a screen; nothing when there are none. */
export function problemLines(terminal: Terminal, problems: readonly ProblemView[]): string[] {
  if (problems.length === 0) return [];
  const lines = problems.flatMap(({ code, message, hint }) => [
    remark(`- ${paint(code, 'yellow', terminal.color)}  ${printable(message)}`, '#   ', terminal),
    remark(`hint: ${printable(hint)}`, '#       ', terminal),
  ]);
  return ['', '# Problems', ...lines];
}

/** A text as lines of a comment, as wide as the terminal. */
function remark(text: string, sign: string, { width }: Terminal): string {
  const room = width === undefined ? undefined : width - sign.length;
  return `${sign}${wrapLine(text, room, 2).split('\n').join(`\n${sign}`)}`;
}

/** A value on one line, for a column. */
export function brief(value: unknown, length: number): string {
  if (value === null || value === undefined) return '';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > length ? `${text.slice(0, length - 1)}…` : text;
}
