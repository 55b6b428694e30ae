import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadCode } from '@holdfast/agent/internal';
import type { Handler } from '@holdfast/gateway';
import { HoldfastError } from '@holdfast/protocol';
import type { Scenario } from '../scenario/scenario.ts';
import { layWires } from '../virtual/guard.ts';
import type { SimCode } from '../virtual/world.ts';

/**
 * The workflows of the user's that a scenario starts; `undefined`: it starts those that come along.
 *
 * @throws HF_USAGE where one is without the other, and whatever `loadSimCode` throws.
 */
export async function codeFor(
  scenario: Scenario,
  file: string | undefined,
): Promise<SimCode | undefined> {
  if (file !== undefined && scenario.starts.length === 0) {
    const why = '--code needs a scenario that says what to start: a file with [[start]]';
    throw new HoldfastError('HF_USAGE', { why });
  }
  if (file === undefined && scenario.starts.length > 0) {
    const why = `${scenario.name} starts workflows of yours: --code names the file that has them`;
    throw new HoldfastError('HF_USAGE', { why });
  }
  return file === undefined ? undefined : loadSimCode(file, scenario);
}

/**
 * The workflows that a file exports, and, by the name `handlers`, what the gateway executes.
 *
 * @throws HF_CODE_UNREADABLE, HF_CONFIG_INVALID for a start of a workflow that is not in it.
 */
async function loadSimCode(file: string, scenario: Scenario): Promise<SimCode> {
  // What the code keeps of what is real when it is loaded is to be seen, too.
  layWires();
  const { workflows } = await loadCode(file);
  const exported = (await import(pathToFileURL(resolve(file)).href)) as Record<string, unknown>;
  const names = workflows.map(({ name }) => name);
  for (const { workflow } of scenario.starts) {
    if (names.includes(workflow)) continue;
    const why = `${file} exports no workflow ${workflow}; there are ${names.join(', ')}`;
    throw new HoldfastError('HF_CONFIG_INVALID', { why });
  }
  return { workflows, handlers: handlersIn(exported, file) };
}

function handlersIn(exported: Record<string, unknown>, file: string): SimCode['handlers'] {
  const given = exported['handlers'] ?? {};
  if (typeof given !== 'object' || given === null) throw notHandlers(file);
  for (const each of Object.values(given)) if (typeof each !== 'function') throw notHandlers(file);
  return given as Readonly<Record<string, Handler>>;
}

function notHandlers(file: string): HoldfastError {
  const why = `handlers of ${file} has to be an object of functions, by the name of a service`;
  return new HoldfastError('HF_CODE_UNREADABLE', { why });
}
