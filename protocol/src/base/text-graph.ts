import { formatCount } from './units.ts';

/** How much was pending at one moment. */
export interface Reading {
  readonly atMs: number;
  readonly pending: number;
}

const BLOCKS = ' ▁▂▃▄▅▆▇█';
const LABEL = 9;

/** The readings as columns, the newest on the right: so many lines, the highest value on top. */
export function backlogGraph(
  readings: readonly Reading[],
  { columns, rows }: { readonly columns: number; readonly rows: number },
): readonly string[] {
  const shown = readings.slice(-Math.max(0, columns - LABEL - 2));
  const most = Math.max(1, ...shown.map(({ pending }) => pending));
  return Array.from({ length: rows }, (_, index) => {
    const below = rows - 1 - index;
    const cells = shown.map(({ pending }) => {
      const eighths = Math.ceil((pending / most) * rows * 8) - below * 8;
      return BLOCKS[Math.max(0, Math.min(8, eighths))];
    });
    const label = index === 0 ? formatCount(most) : index === rows - 1 ? '0' : '';
    return `${label.padStart(LABEL)} ┤${cells.join('')}`.trimEnd();
  });
}
