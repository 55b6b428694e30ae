import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { fileURLToPath } from 'node:url';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import { parseScenario } from './scenario-file.ts';
import type { Scenario } from './scenario.ts';

/** Beside `src` and `dist`. */
const own = fileURLToPath(new URL('../../scenarios/', import.meta.url));
const ENDING = '.toml';

/** Names of the scenarios that come along. */
export function scenarioNames(): readonly string[] {
  return readdirSync(own)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .toSorted();
}

/**
 * The scenario of a name that comes along, or of a file of the user's: what has a slash or ends in
 * `.toml` is a file.
 *
 * @throws HF_CONFIG_INVALID
 */
export function findScenario(name: string): Scenario {
  if (name.includes('/') || name.endsWith(ENDING)) {
    return parseScenario(read(name), name, basename(name, ENDING));
  }
  const names = scenarioNames();
  if (names.includes(name)) return parseScenario(read(`${own}${name}${ENDING}`), name, name);
  const why = `there is no scenario ${name}; there are ${names.join(', ')}; a file ends in .toml`;
  throw new HoldfastError('HF_CONFIG_INVALID', { why });
}

function read(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    const why = `${path} cannot be read: ${messageOf(cause)}`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
}
