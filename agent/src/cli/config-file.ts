import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, messageOf, readSettings } from '@holdfast/protocol/base';
import type { Option } from 'commander';
import { parse } from 'smol-toml';
import type { FoundSetting } from './settings.ts';

/**
 * Reads a file of settings, and then, in the order of their names, the drop-ins in the directory
 * beside it: `agent.toml` has `agent.d/*.toml`. The last one that names a setting wins.
 *
 * @throws HF_CONFIG_INVALID, naming file and line.
 */
export async function readConfig(
  file: string,
  options: readonly Option[],
): Promise<Map<string, FoundSetting>> {
  const found = new Map<string, FoundSetting>();
  for (const path of [file, ...(await dropIns(file))]) {
    for (const [name, setting] of settingsIn(await read(path), options)) found.set(name, setting);
  }
  return found;
}

/** The settings in the text of one file. @throws HF_CONFIG_INVALID, naming file and line. */
export function settingsIn(
  file: { readonly path: string; readonly text: string },
  options: readonly Option[],
): readonly (readonly [name: string, FoundSetting])[] {
  const known = options.map((option) => ({
    ...{ name: option.name(), kind: 'text' as const, choices: option.argChoices },
  }));
  return readSettings(file, known, parse).map(({ name, value, place }) => [
    name,
    { value: String(value), origin: 'file', place },
  ]);
}

async function read(path: string): Promise<{ readonly path: string; readonly text: string }> {
  try {
    return { path, text: await readFile(path, 'utf8') };
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

function invalid(why: string): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', { why });
}
