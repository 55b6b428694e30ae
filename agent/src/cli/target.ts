import { join } from 'node:path';
import { HoldfastError } from '@holdfast/protocol';
import type { Command } from 'commander';
import type { AgentReader } from '../core/surface.ts';
import { isNobodyThere, SocketClient } from '../socket-client.ts';
import type { Shell } from './shell.ts';

export const SOCKET_NAME = 'agent.sock';

export interface TargetFlags {
  readonly socket?: string;
  readonly dataDir?: string;
}

/** Adds the options that name an agent. */
export function addTarget(command: Command): Command {
  return command
    .option('--socket <path>', 'socket of the agent (HOLDFAST_SOCKET)')
    .option('--data-dir <dir>', 'data directory of the agent (HOLDFAST_DATA_DIR)');
}

interface Target {
  readonly socket: string;
  /** Where the store is, for when no agent answers. */
  readonly dataDir: string | undefined;
}

/** What is given on the command line goes before what the environment says. */
function resolveTarget(flags: TargetFlags, env: Shell['env']): Target {
  const isGiven = flags.socket !== undefined || flags.dataDir !== undefined;
  const socket = isGiven ? nonEmpty('--socket', flags.socket) : env['HOLDFAST_SOCKET'] || undefined;
  const dataDir = isGiven
    ? nonEmpty('--data-dir', flags.dataDir)
    : env['HOLDFAST_DATA_DIR'] || undefined;
  if (socket !== undefined) return { socket, dataDir };
  if (dataDir !== undefined) return { socket: join(dataDir, SOCKET_NAME), dataDir };
  throw new HoldfastError('HF_USAGE', {
    why: 'no agent is named: give --data-dir DIR or --socket PATH, or set HOLDFAST_DATA_DIR',
  });
}

/** The value of an option. @throws HF_USAGE for an empty one, as an unset shell variable gives. */
export function nonEmpty<T extends string | undefined>(option: string, text: T): T {
  if (text === '') throw new HoldfastError('HF_USAGE', { why: `${option} is empty` });
  return text;
}

/** Does something with the running agent. @throws HF_AGENT_UNREACHABLE when none answers. */
export async function withAgent<T>(
  shell: Shell,
  flags: TargetFlags,
  use: (client: SocketClient) => Promise<T>,
): Promise<T> {
  const client = new SocketClient(resolveTarget(flags, shell.env).socket);
  try {
    return await use(client);
  } finally {
    await client.close();
  }
}

/**
 * Reads from the running agent, or from its store when none answers and the data directory is
 * known.
 */
export async function readAgent<T>(
  shell: Shell,
  flags: TargetFlags,
  read: (agent: AgentReader) => Promise<T>,
): Promise<T> {
  const { dataDir } = resolveTarget(flags, shell.env);
  try {
    return await withAgent(shell, flags, read);
  } catch (error) {
    if (!isNobodyThere(error) || dataDir === undefined) throw error;
    return readStore(dataDir, read);
  }
}

async function readStore<T>(
  dataDir: string,
  read: (agent: AgentReader) => Promise<T>,
): Promise<T> {
  const { readStopped } = await import('../agent.ts');
  const stopped = await readStopped(dataDir);
  try {
    return await read(stopped.surface);
  } finally {
    await stopped.close();
  }
}
