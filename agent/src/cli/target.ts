import { existsSync } from 'node:fs';
import { CONTEXT_VARIABLE, codeOf, HoldfastError } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { socketOf } from '../agent-socket.ts';
import type { AgentReader } from '../core/surface.ts';
import { isNobodyThere, SocketClient } from '../socket-client.ts';
import { contextTarget } from './context-target.ts';
import type { Shell } from './shell.ts';
import { STORE_KEY_VARIABLE, storeKeyFile, type StoreKeyFlags } from './store-key-option.ts';

export interface TargetFlags extends StoreKeyFlags {
  readonly socket?: string;
  readonly dataDir?: string;
  readonly context?: string;
}

/** Adds the options that name an agent. */
export function addTarget(command: Command): Command {
  return command
    .option('--socket <path>', 'socket of the agent (HOLDFAST_SOCKET)')
    .option('--data-dir <dir>', 'data directory of the agent (HOLDFAST_DATA_DIR)')
    .option('--store-key-file <path>', `key of an encrypted store (${STORE_KEY_VARIABLE})`)
    .option('--context <name>', `what \`context set\` has named (${CONTEXT_VARIABLE})`);
}

interface Target {
  readonly socket: string;
  /** Where the store is, for when no agent answers. */
  readonly dataDir: string | undefined;
}

/** Where the agent is that the package of the distribution installs. */
export const INSTALLED = {
  socket: '/run/holdfast/agent.sock',
  dataDir: '/var/lib/holdfast',
  config: '/etc/holdfast/agent.toml',
} as const;

/** What is given on the command line goes before what the environment says. */
export function resolveTarget(given: TargetFlags, env: Shell['env']): Target {
  const flags = contextTarget(given, env);
  checkKeyUse(flags);
  const isGiven = flags.socket !== undefined || flags.dataDir !== undefined;
  const socket = isGiven ? nonEmpty('--socket', flags.socket) : env['HOLDFAST_SOCKET'] || undefined;
  const dataDir = isGiven
    ? nonEmpty('--data-dir', flags.dataDir)
    : env['HOLDFAST_DATA_DIR'] || undefined;
  if (socket !== undefined) return { socket, dataDir };
  if (dataDir !== undefined) return { socket: socketOf(dataDir), dataDir };
  if (existsSync(INSTALLED.socket) || existsSync(INSTALLED.dataDir)) return INSTALLED;
  throw new HoldfastError('HF_USAGE', {
    why: 'no agent is named: give --data-dir DIR or --socket PATH, or set HOLDFAST_DATA_DIR',
  });
}

/** A running agent has its key: who names a socket alone has no store to open. @throws HF_USAGE */
export function checkKeyUse({ socket, dataDir, storeKeyFile: key }: TargetFlags): void {
  if (socket === undefined || dataDir !== undefined || key === undefined) return;
  const why = '--store-key-file is for --data-dir, and not for --socket alone';
  throw new HoldfastError('HF_USAGE', { why });
}

/** The value of an option. @throws HF_USAGE for an empty one, as an unset shell variable gives. */
export function nonEmpty<T extends string | undefined>(option: string, text: T): T {
  if (text === '') throw new HoldfastError('HF_USAGE', { why: `${option} is empty` });
  if (text?.includes('\u0000') === true) {
    throw new HoldfastError('HF_USAGE', { why: `${option} has a zero byte` });
  }
  return text;
}

/** Does something with the running agent. @throws HF_AGENT_UNREACHABLE when none answers. */
export async function withAgent<T>(
  shell: Shell,
  flags: TargetFlags,
  use: (client: SocketClient) => Promise<T>,
): Promise<T> {
  return use(new SocketClient(resolveTarget(flags, shell.env).socket));
}

/** Ids that a message about an ambiguous one has room for. */
const IDS_SHOWN = 5;

/**
 * Does something with the run that `named` is the id of, or, if there is none, the beginning of the
 * id. An id always wins, so that programs which give whole ids are never led elsewhere while the
 * run is there.
 *
 * @throws HF_RUN_UNKNOWN, HF_RUN_AMBIGUOUS when several ids begin like this.
 */
export async function withRun<T>(
  agent: Pick<AgentReader, 'runIds'>,
  named: string,
  use: (id: string) => Promise<T>,
): Promise<T> {
  try {
    return await use(nonEmpty('the id of the run', named));
  } catch (error) {
    if (codeOf(error) !== 'HF_RUN_UNKNOWN') throw error;
    const { ids } = await agent.runIds({ prefix: named, limit: IDS_SHOWN + 1 });
    const [id] = ids;
    if (id === undefined) throw error;
    if (ids.length === 1) return use(id);
    const shown = ids.slice(0, IDS_SHOWN).join(', ');
    const others = ids.length > IDS_SHOWN ? ' and others' : '';
    throw new HoldfastError('HF_RUN_AMBIGUOUS', { why: `${named} begins ${shown}${others}` });
  }
}

/**
 * Reads from the running agent, or from its store when none answers and the data directory is
 * known.
 */
export async function readAgent<T>(
  shell: Shell,
  given: TargetFlags,
  read: (agent: AgentReader) => Promise<T>,
): Promise<T> {
  const flags = contextTarget(given, shell.env);
  const { dataDir } = resolveTarget(flags, shell.env);
  try {
    return await withAgent(shell, flags, read);
  } catch (error) {
    if (!isNobodyThere(error) || dataDir === undefined) throw error;
    return readStore({ dataDir, key: storeKeyFile(flags, shell.env) }, read);
  }
}

async function readStore<T>(
  { dataDir, key }: { readonly dataDir: string; readonly key: string | undefined },
  read: (agent: AgentReader) => Promise<T>,
): Promise<T> {
  const { readStopped } = await import('../read-stopped.ts');
  const stopped = await readStopped(dataDir, key);
  try {
    return await read(stopped.surface);
  } finally {
    await stopped.close();
  }
}
