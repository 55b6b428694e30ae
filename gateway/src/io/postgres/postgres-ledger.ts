import {
  HoldfastError,
  equalBytes,
  keyNameOf,
  type Clock,
  type Log,
  type Sha256,
} from '@holdfast/protocol';
import type { AccessStore } from '../../core/access/access-store.ts';
import { metaKey } from '../../core/ledger-keys.ts';
import { checkFormat, newLedgerRow } from '../../core/ledger-format.ts';
import { StoreLedger } from '../../core/store-ledger.ts';
import { PostgresAccessStore } from './access-store.ts';
import { openDatabase, readDatabaseUrl, shownDatabase, type Database } from './database.ts';
import { migrate, missingOf, readMigrated, readMigrations, type Migration } from './migrations.ts';
import { PostgresStore, type Follower } from './postgres-store.ts';
import { getRows, run, writeRows } from './sql-rows.ts';

export interface PostgresLedgerOptions {
  /** `postgres://…` */
  readonly address: string;
  readonly sha256: Sha256;
  readonly clock: Pick<Clock, 'wakeIn'>;
  readonly log: Log;
  /** Make one where there is none, and wait for a database that is not there. */
  readonly isNew: boolean;
  /** Key of the gateway: all that share a ledger have one. Default: it is not to serve. */
  readonly identity?: Uint8Array | undefined;
  /** The database turned out, after it was waited for, to be none that can be used. */
  readonly onFailure?: ((error: unknown) => void) | undefined;
}

export interface PostgresLedger {
  readonly ledger: StoreLedger;
  /** Users, tokens and the audit log, on the same connections. */
  readonly access: AccessStore;
  /** Why nothing can be read or written now; `undefined`: it can. */
  readonly problem: () => string | undefined;
  /** Has somebody told of what happens in the database, until the ledger is closed. */
  readonly follow: (told: Follower) => void;
}

/**
 * Opens the ledger in a database. Whatever a method of it has resolved is on the stable storage of
 * the server.
 *
 * @throws HF_CONFIG_INVALID, HF_STORE_DAMAGED for a schema of something else, HF_STORE_FORMAT for
 *   tables of another version, HF_LEDGER_UNAVAILABLE when the database is not there and is not to
 *   be waited for.
 */
export async function openPostgresLedger(options: PostgresLedgerOptions): Promise<PostgresLedger> {
  const { sha256, log, clock, isNew, onFailure = () => {} } = options;
  const url = readDatabaseUrl(options.address);
  const database = openDatabase(url);
  const { identity } = options;
  const name = shownDatabase(url);
  const prepare = () => prepareLedger(database, { isNew, log, name, sha256, identity });
  const store = new PostgresStore({ database, prepare, clock, log, onFailure });
  try {
    await store.open(isNew);
  } catch (error) {
    await store.close();
    throw error;
  }
  const problem = () => store.problem;
  return {
    ledger: new StoreLedger(store, sha256),
    access: new PostgresAccessStore({ database, problem }),
    problem,
    follow: (told) => store.follow(told),
  };
}

/**
 * A new database gets its tables; one that lacks a migration is left as it is, since other
 * gateways may be at work on it.
 */
async function prepareLedger(
  database: Database,
  options: Pick<PostgresLedgerOptions, 'isNew' | 'log' | 'sha256' | 'identity'> & {
    readonly name: string;
  },
): Promise<void> {
  const { isNew, log, name, sha256, identity } = options;
  const { isDurable } = await database.check();
  if (!isDurable) {
    log.error('PostgreSQL runs with fsync = off: a power cut takes what was acknowledged', {
      database: name,
    });
  }
  const migrations = await readMigrations();
  const migrated = await readMigrated(database, migrations);
  if (migrated.kind === 'none') {
    if (!isNew) throw new HoldfastError('HF_DATA_DIR_MISSING', { why: `${name} has no ledger` });
    await createLedger(database, migrations);
    log.info('the ledger was made', { database: name });
  } else if (missingOf(migrated, migrations).length > 0) {
    throw new HoldfastError('HF_STORE_FORMAT', {
      why: `the tables of ${name} are older: run holdfast-gateway ledger migrate`,
    });
  }
  const [copying] = await getRows(database, [metaKey('copying')]);
  if (copying !== undefined) {
    const why = `a copy into ${name} stopped short: run holdfast-gateway ledger copy again`;
    throw new HoldfastError('HF_STORE_DAMAGED', { why });
  }
  await checkFormat({ get: async (key) => (await getRows(database, [key]))[0] });
  if (identity !== undefined) await checkIdentity(database, keyNameOf(sha256, identity), name);
}

/** Makes the tables, and the first row, where there are none. */
export async function createLedger(
  database: Database,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  const done = await migrate(database, migrations);
  const row = newLedgerRow();
  const [known] = await getRows(database, [row.key]);
  if (known === undefined) await writeRows(database, [{ kind: 'put', ...row }], () => false);
  return done;
}

/**
 * Devices know a gateway by its key: one ledger has one.
 *
 * @throws HF_CONFIG_INVALID for a gateway with another key.
 */
async function checkIdentity(database: Database, key: string, name: string): Promise<void> {
  const at = metaKey('gateway').subarray(1);
  const own = Uint8Array.from(key, (char) => char.charCodeAt(0));
  const text = `insert into holdfast.meta (key, value) values ($1, $2)
    on conflict (key) do update set value = holdfast.meta.value returning value`;
  const [[value] = []] = await run(database, text, [at, own]);
  if (value instanceof Uint8Array && equalBytes(value, own)) return;
  const known = value instanceof Uint8Array ? String.fromCharCode(...value) : '';
  throw new HoldfastError('HF_CONFIG_INVALID', {
    why:
      `the gateways of ${name} have key ${known}, this one has ${key}: ` +
      'give it their identity/gateway.key',
  });
}
