import type { Command } from 'commander';
import type { Shell } from './shell.ts';
import { addStoreRekey } from './store-rekey.ts';

export function addStore(program: Command, shell: Shell): void {
  const store = program.command('store').description('Look after the store.');
  addStoreRekey(store, shell);
}
