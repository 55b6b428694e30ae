import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, messageOf } from '@holdfast/protocol/base';
import type { Option } from 'commander';
import { parse, TomlError } from 'smol-toml';
import type { FoundSetting } from './settings.ts';

/**
 * Reads a file of settings, and then, in the order of their names, the drop-ins in the directory
 * beside it: `agent.toml` has `agent.d/*.toml`. The last one that names a setting wins.
 *
 * @throws HF_CONFIG_INVALID, naming file and line.
 */
export async function readConfig(
  file: string,
  known: readonly Option[],
): Promise<Map<string, FoundSetting>> {
  const found = new Map<string, FoundSetting>();
  for (const path of [file, ...(await dropIns(file))]) {
    for (const [name, setting] of parseConfig(await read(path), path, known)) {
      found.set(name, setting);
    }
  }
  return found;
}

async function read(path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (cause) {
    throw invalid(`${path} cannot be read: ${messageOf(cause)}`);
  }
}

async function dropIns(file: string): Promise<readonly string[]> {
  const directory = file.replace(/\.toml$/, '.d');
  if (directory === file) return [];
  try {
    const names = await readdir(directory);
    return names
      .filter((name) => name.endsWith('.toml'))
      .toSorted()
      .map((name) => join(directory, name));
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw invalid(`${directory} cannot be read: ${messageOf(cause)}`);
  }
}

function parseConfig(
  text: string,
  path: string,
  known: readonly Option[],
): readonly (readonly [string, FoundSetting])[] {
  return Object.entries(parseToml(text, path)).map(([name, value]) => {
    const place = `${path}:${lineOf(text, name)}`;
    const option = known.find((each) => each.name() === name);
    if (option === undefined)
      throw invalid(`${place}: there is no setting ${name}${meant(name, known)}`);
    return [name, { value: asText(value, option, place), origin: 'file', place }];
  });
}

function parseToml(text: string, path: string): Record<string, unknown> {
  try {
    return parse(text);
  } catch (cause) {
    if (!(cause instanceof TomlError)) throw cause;
    // The first line says what; the others draw the place.
    const [what = ''] = cause.message.replace(/^Invalid TOML document: /, '').split('\n');
    throw invalid(`${path}:${cause.line}: ${what}`);
  }
}

/** A file says `256` or `true` where an option has text. */
function asText(value: unknown, option: Option, place: string): string {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') throw invalid(`${place}: ${option.name()} has to be a text`);
  if (text === '') throw invalid(`${place}: ${option.name()} is empty`);
  if (option.argChoices?.includes(text) === false) {
    const choices = option.argChoices.join(', ');
    throw invalid(`${place}: ${option.name()} is one of ${choices}, not ${text}`);
  }
  return text;
}

/** The line, from 1, in which a name gets its value; 1 where it is written in an unusual way. */
function lineOf(text: string, name: string): number {
  const index = text.split('\n').findIndex((line) => {
    const [word = ''] = line.trim().split(/[\s=\]]/, 1);
    return word.replace(/^\[+/, '').replaceAll(/["']/g, '') === name;
  });
  return index < 0 ? 1 : index + 1;
}

/** Other files write a name with underscores or capitals. */
function meant(name: string, known: readonly Option[]): string {
  const plain = name.toLowerCase().replaceAll('_', '-');
  return known.some((option) => option.name() === plain) ? `; it is called ${plain}` : '';
}

function invalid(why: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', { why });
}
