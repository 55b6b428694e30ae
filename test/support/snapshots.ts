import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';

/** From `test/dist/support`. */
const folder = new URL('../../snapshots/', import.meta.url);

/** What differs from run to run, by what stands for it. The time of the program is fixed. */
const variable: readonly (readonly [pattern: RegExp, sign: string])[] = [
  [/\d\d:\d\d:\d\d UTC/g, 'TTTTTTTT UTC'],
  [/\d+(?:\.\d+)?\/s/g, 'N/s'],
  [/ETA \S+ \S+/g, 'ETA D'],
  [/^ disk +. [^]*?(?=^ \w)/gm, ' disk        …\n'],
  [/^\d+ ok, .*$/gm, 'N ok, …'],
  [/(?<= · Node )[\d.]+/g, 'N'],
  [/:\/\/127\.0\.0\.1:\d+/g, '://ADDRESS'],
];

function normalised(text: string): string {
  return variable.reduce((so, [pattern, sign]) => so.replace(pattern, sign), text);
}

/**
 * Holds a screen against the reviewed one in `test/snapshots`. With `SNAPSHOTS=write` what is there
 * is written anew, to be reviewed.
 */
export function sameScreen(t: ExecutionContext, name: string, text: string): void {
  const url = new URL(`${name}.txt`, folder);
  const shown = `${normalised(text)}\n`;
  if (process.env['SNAPSHOTS'] === 'write') {
    mkdirSync(folder, { recursive: true });
    writeFileSync(url, shown);
  }
  t.is(shown, existsSync(url) ? readFileSync(url, 'utf8') : '', name);
}
