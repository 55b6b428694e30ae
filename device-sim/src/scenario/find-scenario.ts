import { readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import { parseScenario } from './scenario-file.ts';
import { ENDING, ownScenarios, scenarioNames } from './scenario-names.ts';
import type { Scenario } from './scenario.ts';

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
  const own = `${ownScenarios}${name}${ENDING}`;
  if (names.includes(name)) return parseScenario(read(own), name, name);
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
