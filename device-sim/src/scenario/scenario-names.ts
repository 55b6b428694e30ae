import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** Beside `src` and `dist`. */
export const ownScenarios = fileURLToPath(new URL('../../scenarios/', import.meta.url));
export const ENDING = '.toml';

/** Names of the scenarios that come along. */
export function scenarioNames(): readonly string[] {
  return readdirSync(ownScenarios)
    .filter((file) => file.endsWith(ENDING))
    .map((file) => file.slice(0, -ENDING.length))
    .toSorted();
}
