import { CONTEXT_VARIABLE, HoldfastError } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import { contextTarget } from './context-target.ts';
import type { Shell } from './shell.ts';
import { STORE_KEY_VARIABLE, storeKeyFile, type StoreKeyFlags } from './store-key-option.ts';
import { nonEmpty } from './target.ts';

export interface StoreFlags extends StoreKeyFlags {
  readonly dataDir?: string;
  readonly context?: string;
}

/** Adds the options that name a store, for commands that do not ask a running agent. */
export function addStoreOptions(command: Command): Command {
  return command
    .option('--data-dir <dir>', 'data directory of the agent (HOLDFAST_DATA_DIR)')
    .option('--store-key-file <path>', `key of an encrypted store (${STORE_KEY_VARIABLE})`)
    .option('--context <name>', `what \`context set\` has named (${CONTEXT_VARIABLE})`);
}

/** @throws HF_USAGE when no data directory is named, by a context neither. */
export function dataDirOf(flags: StoreFlags, env: Shell['env']): string {
  return dataDirGiven(contextTarget(flags, env), env);
}

/** For what puts something in its place: which context is in use is soon forgotten. */
export function dataDirGiven({ dataDir }: StoreFlags, env: Shell['env']): string {
  const named = nonEmpty('--data-dir', dataDir) ?? (env['HOLDFAST_DATA_DIR'] || undefined);
  if (named !== undefined) return named;
  const why = 'no store is named: give --data-dir DIR, or set HOLDFAST_DATA_DIR';
  throw new HoldfastError('HF_USAGE', { why });
}

/** The file with the key of that store, where one is named. */
export function storeKeyOf(flags: StoreFlags, env: Shell['env']): string | undefined {
  return storeKeyFile(contextTarget(flags, env), env);
}
