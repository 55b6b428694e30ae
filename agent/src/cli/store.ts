import type { Command } from 'commander';
import type { Shell } from './shell.ts';
import { addStoreCheck } from './store-check.ts';
import { addStoreExport } from './store-export.ts';
import { addStoreMigrate } from './store-migrate.ts';
import { addStoreRekey } from './store-rekey.ts';
import { addStoreRestore } from './store-restore.ts';
import { addStoreSalvage } from './store-salvage.ts';
import { addStoreSnapshot } from './store-snapshot.ts';

export function addStore(program: Command, shell: Shell): void {
  const store = program.command('store').description('Look after the store.');
  addStoreCheck(store, shell);
  addStoreSnapshot(store, shell);
  addStoreRestore(store, shell);
  addStoreExport(store, shell);
  addStoreSalvage(store, shell);
  addStoreMigrate(store, shell);
  addStoreRekey(store, shell);
}
