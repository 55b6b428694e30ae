import { join } from 'node:path';
import {
  LevelStore,
  StoreLedger,
  newLedgerRow,
  openLevel,
  openLevelLedger,
  sha256,
  type Ledger,
} from '@holdfast/gateway/internal';
import type { Store, StoreOp } from '@holdfast/protocol';
import type { ExecutionContext } from 'ava';
import { SimStore } from './sim-store.ts';
import { tempDir } from './temp-dir.ts';

/** One ledger through several lives of its process. */
export interface Lives {
  readonly ledger: Ledger;
  /** Ends the life of the ledger and begins the next one. */
  readonly next: () => Promise<Ledger>;
  /** Changes what is stored behind its back, and begins the next life. */
  readonly tamper: (change: (store: Store) => Promise<readonly StoreOp[]>) => Promise<Ledger>;
}

/** Every implementation, for the contract suites. */
export const ledgers: Readonly<Record<string, (t: ExecutionContext) => Promise<Lives>>> = {
  async 'the ledger in LevelDB'(t) {
    const dir = join(await tempDir(t), 'ledger');
    let ledger = await openLevelLedger(dir, { sha256, isNew: true });
    t.teardown(() => ledger.close());
    const open = async () => (ledger = await openLevelLedger(dir, { sha256, isNew: false }));
    const next = async (): Promise<Ledger> => {
      await ledger.close();
      return open();
    };
    const tamper: Lives['tamper'] = async (change) => {
      await ledger.close();
      const store = new LevelStore(await openLevel(dir, false));
      await store.write(await change(store));
      await store.close();
      return open();
    };
    return { ledger, next, tamper };
  },
  async 'the ledger in the simulated store'() {
    let store = new SimStore();
    await store.write([{ kind: 'put', ...newLedgerRow() }]);
    const next = async (): Promise<Ledger> => {
      store = store.crash();
      return StoreLedger.open(store, sha256);
    };
    const tamper: Lives['tamper'] = async (change) => {
      store = store.crash();
      await store.write(await change(store));
      return StoreLedger.open(store, sha256);
    };
    return { ledger: await StoreLedger.open(store, sha256), next, tamper };
  },
};
