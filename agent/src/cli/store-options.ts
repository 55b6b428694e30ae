import { HoldfastError } from '@holdfast/protocol/base';
import type { Command } from 'commander';
import type { Shell } from './shell.ts';
import { STORE_KEY_VARIABLE, type StoreKeyFlags } from './store-key-option.ts';
import { nonEmpty } from './target.ts';

export interface StoreFlags extends StoreKeyFlags {
  readonly dataDir?: string;
}

/** Adds the options that name a store, for commands that do not ask a running agent. */
export function addStoreOptions(command: Command): Command {
  return command
    .option('--data-dir <dir>', 'data directory of the agent (HOLDFAST_DATA_DIR)')
    .option('--store-key-file <path>', `key of an encrypted store (${STORE_KEY_VARIABLE})`);
}

/** @throws HF_USAGE when no data directory is named. */
export function dataDirOf(flags: StoreFlags, env: Shell['env']): string {
  const named = nonEmpty('--data-dir', flags.dataDir) ?? (env['HOLDFAST_DATA_DIR'] || undefined);
  if (named !== undefined) return named;
  const why = 'no store is named: give --data-dir DIR, or set HOLDFAST_DATA_DIR';
  throw new HoldfastError('HF_USAGE', { why });
}
