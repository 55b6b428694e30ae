import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import type { ExecutionContext } from 'ava';

/** From `test/dist/support`. */
export const snapshotsUrl = new URL('../../snapshots/', import.meta.url);

type Sign = string | ((all: string) => string);

function withoutAmounts(all: string): string {
  return all
    .replace(/ in (?:\d+m )?\d+ m?s\b/, ' in D')
    .replaceAll(/[0-9a-f]{16}|\d/g, (each) => 'N'.repeat(each.length));
}

/** What differs from run to run, by what stands for it. The time of the program is fixed. */
const variable: readonly (readonly [pattern: RegExp, sign: Sign])[] = [
  // First: a name that ends with digits would be a rate.
  [new RegExp(`${tmpdir()}/holdfast-stage-\\w{6}`, 'g'), 'DIR'],
  // What a simulation has drawn meanwhile, and how much it did.
  [/^[^]*?^(?=(?:PASS|FAIL) {2})/m, ''],
  [/^(?:PASS|FAIL) {2}[^]*/m, withoutAmounts],
  [/\d\d:\d\d:\d\d UTC/g, 'TTTTTTTT UTC'],
  [/\d+(?:\.\d+)?\/s/g, 'N/s'],
  [/ETA \S+ \S+/g, 'ETA D'],
  [/^ disk +. [^]*?(?=^ \w)/gm, ' disk        …\n'],
  [/^\d+ ok, .*$/gm, 'N ok, …'],
  [/(?<= · Node )[\d.]+/g, 'N'],
  [/\bwh-[0-9a-f]{10}\b/g, 'wh-XXXXXXXXXX'],
  [/\b[0-9A-Z]{4}-[0-9A-Z]{2}\b(?!-)/g, 'XXXX-XX'],
  [/\b(?:[0-9a-f]{16}){1,4}\b/g, (all) => 'X'.repeat(all.length)],
  [/before [0-9a-f]{20,}/g, 'before XXXX'],
  [/^[A-Za-z0-9+/=]{30,}$/gm, 'BASE64'],
  [/\bValid to +\S+/g, 'Valid to   T'],
  [/back in \d+ ms/g, 'back in N ms'],
  [/node \d+\.\d+\.\d+/g, 'node N'],
  [/pid \d+/g, 'pid N'],
  [/[\d.]+ \wiB free/g, 'N free'],
  [/:\/\/127\.0\.0\.1:\d+/g, '://ADDRESS'],
];

export function normalised(text: string): string {
  return variable.reduce(
    (so, [pattern, sign]) =>
      so.replace(pattern, (all) => (typeof sign === 'string' ? sign : sign(all))),
    text,
  );
}

/**
 * Holds a screen against the reviewed one in `test/snapshots`. With `SNAPSHOTS=write` what is there
 * is written anew, to be reviewed.
 */
export function sameScreen(t: ExecutionContext, name: string, text: string): void {
  const url = new URL(`${name}.txt`, snapshotsUrl);
  const shown = `${normalised(text)}\n`;
  if (process.env['SNAPSHOTS'] === 'write') {
    mkdirSync(snapshotsUrl, { recursive: true });
    writeFileSync(url, shown);
  }
  t.is(shown, existsSync(url) ? readFileSync(url, 'utf8') : '', name);
}
