import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { checkName, HoldfastError, messageOf } from '@holdfast/protocol';
import { completePolicy, readPolicy, type HandlerPolicy } from '../core/handler-policy.ts';
import type { Handler } from '../core/handler-ports.ts';

/** What a module has for services, by their names. */
export interface HandlerModule {
  readonly handlers: ReadonlyMap<string, Handler>;
  readonly policies: ReadonlyMap<string, Partial<HandlerPolicy>>;
}

/**
 * Loads the handlers that an ES module exports as `handlers`: an object with a function for each
 * service; and, where it exports `policies`, how some of them are treated: each an object of
 * settings, or a text as `--handler-policy` takes it.
 *
 * @throws HF_HANDLERS_UNREADABLE when there is no such file, it does not run, or it exports
 *   something else.
 */
export async function loadHandlers(path: string): Promise<HandlerModule> {
  const file = resolve(path);
  const unreadable = (why: string, cause?: unknown) =>
    new HoldfastError('HF_HANDLERS_UNREADABLE', { why, cause });
  let module: { readonly handlers?: unknown; readonly policies?: unknown };
  try {
    module = await import(pathToFileURL(file).href);
  } catch (cause) {
    throw unreadable(file, cause);
  }
  const { handlers, policies = {} } = module;
  if (!isObject(handlers)) throw unreadable(`${file} does not export an object named handlers`);
  if (!isObject(policies)) throw unreadable(`the policies of ${file} are no object`);
  const found = new Map<string, Handler>();
  for (const [service, handler] of Object.entries(handlers)) {
    if (!isHandler(handler)) throw unreadable(`${service} in ${file} is not a function`);
    found.set(checkName('service', service), handler);
  }
  if (found.size === 0) throw unreadable(`the handlers of ${file} are empty`);
  const ways = new Map<string, Partial<HandlerPolicy>>();
  for (const [service, policy] of Object.entries(policies)) {
    try {
      ways.set(service, readWay(policy));
    } catch (cause) {
      throw unreadable(`the policy of ${service} in ${file}: ${messageOf(cause)}`, cause);
    }
  }
  return { handlers: found, policies: ways };
}

function readWay(policy: unknown): Partial<HandlerPolicy> {
  if (typeof policy === 'string') return readPolicy(policy);
  if (!isObject(policy)) throw new HoldfastError('HF_CONFIG_INVALID', { why: 'it is no object' });
  completePolicy(policy);
  return policy;
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isHandler(value: unknown): value is Handler {
  return typeof value === 'function';
}
