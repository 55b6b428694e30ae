/** Columns and rows of a terminal. */
export interface ScreenSize {
  readonly columns: number;
  readonly rows: number;
}

const CUT = '(cut to fit the screen)';

/** The lines that fit, each cut to the width. */
export function fitScreen(text: string, { columns, rows }: ScreenSize): readonly string[] {
  const lines = text.split('\n').map((line) => fitLine(line, columns));
  return lines.length <= rows ? lines : [...lines.slice(0, rows - 1), fitLine(CUT, columns)];
}

/** A line of at most so many characters; colours take no room, and end where it is cut. */
export function fitLine(line: string, columns: number): string {
  let left = columns;
  let fitted = '';
  let hasColor = false;
  // eslint-disable-next-line no-control-regex -- Colours begin with a control character.
  for (const part of line.match(/\u001b\[[0-9;]*m|[^]/gu) ?? []) {
    const isColor = part.startsWith('\u001b[');
    if (!isColor && left === 0) return `${cutLast(fitted)}…${hasColor ? '\u001b[0m' : ''}`;
    if (isColor) hasColor = true;
    else left -= 1;
    fitted += part;
  }
  return fitted;
}

function cutLast(text: string): string {
  // eslint-disable-next-line no-control-regex -- Colours begin with a control character.
  const colors = /(?:\u001b\[[0-9;]*m)*$/.exec(text)?.[0] ?? '';
  return [...text.slice(0, text.length - colors.length)].slice(0, -1).join('') + colors;
}
