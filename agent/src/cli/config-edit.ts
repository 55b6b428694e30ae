import { open, readFile, realpath, rename, stat, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { HoldfastError, messageOf } from '@holdfast/protocol/base';
import { runOptions } from './run-options.ts';
import { settingsInText, type FoundSettings } from './settings.ts';

/** Whoever may read the file that is made. */
const MODE = 0o644;

export interface Edit {
  readonly name: string;
  /** `undefined`: the line goes. */
  readonly value: string | undefined;
}

export interface Edited {
  /** The file with its line, from 1; the file alone where the line is gone. */
  readonly place: string;
  readonly before: string | undefined;
}

/**
 * Changes one line of a file of settings. All others stay as they are, comments too; the file is
 * replaced whole, so that a power cut leaves the old one or the new one.
 *
 * @throws HF_CONFIG_INVALID, and then nothing was written: for a file that is wrong already, a
 *   value that cannot be, and a line that is written in a way that is not known.
 */
export async function editSettings(file: string, edit: Edit): Promise<Edited> {
  const path = await realpath(file).catch(() => file);
  const { text, mode } = await readOrNew(path);
  const before = await settingsInText({ path: file, text });
  const next = editedText(text, edit);
  const after = await settingsInText({ path: file, text: next });
  checkOnlyThis(file, edit, before, after);
  runOptions(after, {}, {});
  if (next !== text) await replace(path, next, mode);
  return { place: after.get(edit.name)?.place ?? file, before: before.get(edit.name)?.value };
}

/** The text with the line changed, added at the end, or taken out. */
export function editedText(text: string, { name, value }: Edit): string {
  const lines = text.split('\n');
  const nameIn = (line: string) => lineName.exec(line)?.[1]?.replaceAll(/["']/g, '');
  const index = lines.findIndex((each) => nameIn(each) === name);
  const line = lines[index];
  if (line === undefined) {
    if (value === undefined) return text;
    const start = text === '' || text.endsWith('\n') ? text : `${text}\n`;
    return `${start}${name} = ${JSON.stringify(value)}\n`;
  }
  if (value === undefined) return lines.toSpliced(index, 1).join('\n');
  const end = line.endsWith('\r') ? '\r' : '';
  const [, start = '', comment = ''] = lineParts.exec(line.trimEnd()) ?? [];
  const changed = `${start}${JSON.stringify(value)}${comment}${end}`;
  return lines.with(index, changed).join('\n');
}

const lineName = /^\s*("[^"]*"|'[^']*'|[\w-]+)\s*=/;
/** Up to the value; and the comment behind it, with the blanks between. */
const lineParts = /^(\s*[^=]+=\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|[^#\s]+)(\s*#.*)?$/;

/** A value over several lines, for one, is not known: then the result shows it. */
function checkOnlyThis(
  file: string,
  { name, value }: Edit,
  before: FoundSettings,
  after: FoundSettings,
): void {
  const names = new Set([...before.keys(), ...after.keys(), name]);
  const isMeant = [...names].every((each) => {
    const expected = each === name ? value : before.get(each)?.value;
    return after.get(each)?.value === expected;
  });
  if (isMeant) return;
  const why = `${before.get(name)?.place ?? file}: ${name} is written in a way that is not known`;
  throw new HoldfastError('HF_CONFIG_INVALID', { why: `${why}; change it in an editor` });
}

async function readOrNew(path: string): Promise<{ readonly text: string; readonly mode: number }> {
  try {
    return { text: await readFile(path, 'utf8'), mode: (await stat(path)).mode & 0o777 };
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { text: '', mode: MODE };
    throw unusable(`${path} cannot be read`, error);
  }
}

async function replace(path: string, text: string, mode: number): Promise<void> {
  const side = `${path}.new`;
  try {
    await synced(side, ['w', mode], (file) => file.writeFile(text));
    await rename(side, path);
    await synced(dirname(path), ['r'], () => Promise.resolve());
  } catch (error) {
    throw unusable(`${path} cannot be written`, error);
  }
}

async function synced(
  path: string,
  [flags, mode]: readonly [flags: string, mode?: number],
  write: (file: FileHandle) => Promise<void>,
): Promise<void> {
  const file = await open(path, flags, mode);
  try {
    await write(file);
    await file.sync();
  } finally {
    await file.close();
  }
}

function unusable(what: string, cause: unknown): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', { why: `${what}: ${messageOf(cause)}`, cause });
}
