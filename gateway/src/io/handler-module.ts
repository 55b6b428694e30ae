import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkName, HoldfastError } from '@holdfast/protocol';
import type { Handler } from '../core/handler-ports.ts';

/**
 * Loads the handlers that an ES module exports as `handlers`: an object with a function for each
 * service.
 *
 * @throws HF_HANDLERS_UNREADABLE when there is no such file, it does not run, or it exports
 *   something else.
 */
export async function loadHandlers(path: string): Promise<ReadonlyMap<string, Handler>> {
  const file = resolve(path);
  const unreadable = (why: string, cause?: unknown) =>
    new HoldfastError('HF_HANDLERS_UNREADABLE', { why, cause });
  let module: { readonly handlers?: unknown };
  try {
    module = await import(pathToFileURL(file).href);
  } catch (cause) {
    throw unreadable(file, cause);
  }
  const { handlers } = module;
  if (typeof handlers !== 'object' || handlers === null) {
    throw unreadable(`${file} does not export an object named handlers`);
  }
  const found = new Map<string, Handler>();
  for (const [service, handler] of Object.entries(handlers)) {
    if (!isHandler(handler)) throw unreadable(`${service} in ${file} is not a function`);
    found.set(checkName('service', service), handler);
  }
  if (found.size === 0) throw unreadable(`the handlers of ${file} are empty`);
  return found;
}

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}
