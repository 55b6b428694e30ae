import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { ExecutionContext } from 'ava';
import { normalised, snapshotsUrl } from '../snapshots.ts';
import { onTerminal, type ProgramName, type Shown } from './scene.ts';

/** A terminal has so many columns; what is wider was broken by it, or cut. */
const COLUMNS = 80;
/** Of what is for programs, enough to see what it is. */
const DATA_ROWS = 24;
/** Are of chance, and of no fixed length. */
const secrets = /\b(whsec_|hft_|hf1\.)\S+/g;

/**
 * Holds what a terminal showed of some lines against the reviewed file of that name, line by line;
 * and that nothing was wider than the terminal, but for data.
 */
export function sameScreens(
  t: ExecutionContext,
  { file, program }: { readonly file: string; readonly program: ProgramName },
  shown: readonly Shown[],
): void {
  const screens = shown.map(({ scene, code, text }) => {
    const exit = code === 0 ? '' : `   [exits with ${code}]`;
    const lines = normalised(onTerminal(text.replace(secrets, '$1…')).text).split('\n');
    if (scene.isUnordered === true) lines.sort();
    const isLong = scene.isData === true && lines.length > DATA_ROWS;
    const screen = (isLong ? [...lines.slice(0, DATA_ROWS), '…'] : lines).join('\n');
    return [`${program} ${scene.line}${exit}`, screen] as const;
  });
  const url = new URL(`${file}.txt`, snapshotsUrl);
  if (process.env['SNAPSHOTS'] === 'write') {
    writeFileSync(url, `${screens.map(([title, text]) => `$ ${title}\n${text}`).join('\n\n')}\n`);
  }
  const reviewed = existsSync(url) ? reviewedIn(readFileSync(url, 'utf8')) : new Map();
  const odd = shown.flatMap(({ scene, code, text }, at) => {
    const [title, screen] = screens[at] ?? ['', ''];
    const isWide = scene.isData !== true && onTerminal(text).columns > COLUMNS;
    return [
      ...(code === (scene.code ?? 0) ? [] : [`exits with ${code}`]),
      ...(isWide ? ['is wider than the terminal'] : []),
      ...(screen === reviewed.get(title) ? [] : ['is not as reviewed']),
    ].map((why) => `${title} ${why}:\n${screen}`);
  });
  t.is(odd.join('\n\n'), '', file);
}

/** Screens of a file, by the lines above them. */
function reviewedIn(text: string): ReadonlyMap<string, string> {
  const parts = text.trimEnd().split(/^\$ (holdfast.*)\n/m);
  return new Map(
    parts.flatMap((title, at) => (at % 2 === 1 ? [[title, (parts[at + 1] ?? '').trimEnd()]] : [])),
  );
}
