/** What of a column is told in another form than on a screen. */
interface FormColumn {
  readonly title: string;
  readonly align?: 'left' | 'right';
}

/** What is not there: a screen shows a dash, a spreadsheet nothing. */
const NOTHING = '-';
/** How a spreadsheet knows a formula, which a text from elsewhere must not become. */
const FORMULA = /^[=+@\t\r]|^-(?![\d.]|$)/;

/** Values with commas, by RFC 4180, with the names that `--columns` knows on top. */
export function csvText(
  columns: readonly FormColumn[],
  rows: readonly (readonly string[])[],
  hasHeader: boolean,
): string {
  const names = columns.map(({ title }) => title.replaceAll(' ', '-'));
  const lines = hasHeader ? [names, ...rows] : rows;
  return lines.map((row) => row.map(csvValue).join(',')).join('\n');
}

function csvValue(text: string): string {
  if (text === NOTHING) return '';
  const value = FORMULA.test(text) ? `'${text}` : text;
  return /[",\n\r]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}

/** A table of Markdown. It has a header always: there is none without. */
export function markdownText(
  columns: readonly FormColumn[],
  rows: readonly (readonly string[])[],
): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const rule = columns.map(({ align }) => (align === 'right' ? '---:' : '---'));
  const titles = columns.map(({ title }) => title);
  return [titles, rule, ...rows.map((row) => row.map(markdownValue))].map(line).join('\n');
}

function markdownValue(text: string): string {
  return text.replace(/[\\|`*_<>[\]]/g, String.raw`\$&`);
}
