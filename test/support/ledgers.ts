import { join } from 'node:path';
import { PostgresServer, postgresIsMissing } from '@holdfast/device-sim/internal';
import {
  LevelStore,
  StoreLedger,
  getRows,
  newLedgerRow,
  openDatabase,
  openLevel,
  openLevelLedger,
  openPostgresLedger,
  sha256,
  systemClock,
  writeRows,
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
  readonly tamper: (
    change: (store: Pick<Store, 'get'>) => Promise<readonly StoreOp[]>,
  ) => Promise<Ledger>;
}

type Open = (t: ExecutionContext) => Promise<Lives>;

/** Those that every machine can have. */
const always: Readonly<Record<string, Open>> = {
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

let server: Promise<PostgresServer> | undefined;

/** The server of the tests of a file. */
export function sharedPostgres(): Promise<PostgresServer> {
  // It holds its ledgers no longer than these tests: nothing of it needs to survive.
  return (server ??= PostgresServer.start(['fsync=off']));
}

/** A database of its own in a server that the tests of a file share. */
async function inPostgres(t: ExecutionContext): Promise<Lives> {
  const url = await (await sharedPostgres()).empty();
  const log = { error: () => {}, info: () => {}, debug: () => {} };
  let ledger: Ledger;
  const open = async (isNew: boolean): Promise<Ledger> => {
    const options = { address: url.href, sha256, log, clock: systemClock, isNew };
    ({ ledger } = await openPostgresLedger(options));
    return ledger;
  };
  ledger = await open(true);
  t.teardown(() => ledger.close());
  const next = async (): Promise<Ledger> => {
    await ledger.close();
    return open(false);
  };
  const tamper: Lives['tamper'] = async (change) => {
    await ledger.close();
    const database = openDatabase(url);
    const get: Store['get'] = async (key) => (await getRows(database, [key]))[0];
    const ops = await change({ get });
    await writeRows(database, ops.map(({ key }) => ({ kind: 'delete', key })), () => false);
    await writeRows(database, ops.filter(({ kind }) => kind === 'put'), () => false);
    await database.close();
    return open(false);
  };
  return { ledger, next, tamper };
}

/** Every implementation, for the contract suites. What a machine lacks has its title say so. */
export const ledgers: Readonly<Record<string, Open>> = {
  ...always,
  ...(postgresIsMissing === '' && { 'the ledger in PostgreSQL': inPostgres }),
};

/** For the title of a test that stands for those that are skipped; empty: none are. */
export const skippedLedgers = postgresIsMissing;
