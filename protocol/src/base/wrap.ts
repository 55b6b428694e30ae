/** Columns of a help text, wherever it is read. */
export const HELP_WIDTH = 80;

/** Columns that a text takes on a terminal; colours take none. */
export function textWidth(text: string): number {
  // eslint-disable-next-line no-control-regex -- Colours begin with a control character.
  return [...text.replace(/\u001b\[[0-9;]*m/g, '')].length;
}

/**
 * A line as several that fit, broken between words; those behind the first are indented. A word
 * that is wider than a line stays whole. @param width Default: no limit.
 */
export function wrapLine(line: string, width: number | undefined, indent = 0): string {
  if (width === undefined || textWidth(line) <= width) return line;
  const lines: string[] = [];
  const [, blank = '', rest = ''] = /^(\s*)([^]*)$/.exec(line) ?? [];
  let current = blank;
  let isEmpty = true;
  for (const word of rest.split(/(?<=\S) /)) {
    if (!isEmpty && textWidth(current) + 1 + textWidth(word) > width) {
      lines.push(current);
      [current, isEmpty] = [' '.repeat(indent), true];
    }
    current += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, current].join('\n');
}

/**
 * Sets the paragraphs of a text anew for a width. What is indented, as examples and tables are,
 * stays as it is, but for commands that are too wide.
 */
export function reflow(text: string, width: number): string {
  const isProse = (line: string | undefined) => line !== undefined && /^\S/.test(line);
  const lines: string[] = [];
  let hasProse = false;
  for (const line of text.split('\n')) {
    const joins = hasProse && isProse(line) && !lines.at(-1)?.endsWith(':');
    if (joins) lines.push(`${lines.pop()} ${line}`);
    else lines.push(line);
    hasProse = isProse(line);
  }
  const set = (line: string) => (isProse(line) ? wrapLine(line, width) : wrapCommand(line, width));
  return lines.map(set).join('\n');
}

/** An example that is wider than a line goes on behind a backslash, as a shell takes it. */
function wrapCommand(line: string, width: number): string {
  if (!/^ {2}(?:sudo )?holdfast/.test(line)) return line;
  return wrapLine(line, width - 2, 4)
    .split('\n')
    .join(' \\\n');
}
