import { CONTEXT_VARIABLE, contextNamed, HoldfastError } from '@holdfast/protocol/base';
import { readContexts } from './context-file.ts';
import type { Shell } from './shell.ts';

/** What names an agent and its store. */
export interface NamedTarget {
  readonly socket?: string;
  readonly dataDir?: string;
  readonly storeKeyFile?: string;
  readonly context?: string;
}

/**
 * The same, from a context where nothing else names an agent: options go before `--context`, that
 * goes before the variables of a socket and a directory, and these before HOLDFAST_CONTEXT and the
 * context in use.
 *
 * @throws HF_CONTEXT_UNKNOWN; HF_USAGE for one that names no agent.
 */
export function contextTarget<F extends NamedTarget>(flags: F, env: Shell['env']): F {
  const { context, socket, dataDir } = flags;
  if (socket !== undefined || dataDir !== undefined) return flags;
  if (context === undefined && (env['HOLDFAST_SOCKET'] || env['HOLDFAST_DATA_DIR'])) return flags;
  const named = context ?? (env[CONTEXT_VARIABLE] || undefined);
  const all = readContexts(env);
  const name = named ?? all.current;
  if (name === null) return flags;
  const { device } = contextNamed(all, name);
  // One for gateways only may be in use: then this machine is asked as without any.
  if (device === null && named === undefined) return flags;
  if (device === null) {
    const how = `\`holdfast context set ${name} --socket PATH\``;
    const why = `the context ${name} names no agent: ${how}`;
    throw new HoldfastError('HF_USAGE', { why });
  }
  const { socket: path, 'data-dir': directory, 'store-key-file': key } = device;
  return {
    ...flags,
    ...(path === undefined ? {} : { socket: path }),
    ...(directory === undefined ? {} : { dataDir: directory }),
    ...(key === undefined || flags.storeKeyFile !== undefined ? {} : { storeKeyFile: key }),
  };
}
