import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { loadCode } from '@holdfast/agent/internal';
import type { Handler } from '@holdfast/gateway';
import { HoldfastError } from '@holdfast/protocol';
import type { Scenario } from '../scenario/scenario.ts';
import type { SimCode } from '../virtual/world.ts';

/**
 * The workflows that a file exports, and, by the name `handlers`, what the gateway executes.
 *
 * @throws HF_CODE_UNREADABLE, HF_CONFIG_INVALID for a start of a workflow that is not in it.
 */
export async function loadSimCode(file: string, scenario: Scenario): Promise<SimCode> {
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
