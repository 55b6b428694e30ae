import { HoldfastError, type StoreOp } from '@holdfast/protocol';
import { metaKey, ordinalOf, tableLetters } from '../../core/ledger-keys.ts';
import { openDatabase, readDatabaseUrl, shownDatabase, type Database } from './database.ts';
import { readMigrations } from './migrations.ts';
import { createLedger } from './postgres-ledger.ts';
import { withSqlErrors } from './sql-errors.ts';
import { recountDevices } from './sql-devices.ts';
import { getRows, run, writeRows } from './sql-rows.ts';
import { sqlTables } from './sql-tables.ts';

/** There while a copy is not whole. */
export const copyingKey = metaKey('copying');
/** Tables whose keys end with an ordinal. */
const ORDERED = new Set<string>([
  tableLetters.runOrder,
  tableLetters.call,
  tableLetters.parked,
  tableLetters.dispatchOrder,
]);

/** Rows of another ledger on their way into a database. */
export class LedgerCopy {
  /** Of the database, without its password. */
  readonly name: string;
  readonly #database: Database;
  rows = 0;
  #ordinal = 0;

  private constructor(database: Database, name: string) {
    this.#database = database;
    this.name = name;
  }

  /** @throws HF_REQUEST_INVALID when the database has a ledger with devices. */
  static async begin(address: string): Promise<LedgerCopy> {
    const url = readDatabaseUrl(address);
    const database = openDatabase(url);
    const name = shownDatabase(url);
    try {
      await database.check();
      await createLedger(database, await readMigrations());
      await withSqlErrors(() => makeEmpty(database, name));
      return new LedgerCopy(database, name);
    } catch (error) {
      await database.close();
      throw error;
    }
  }

  async write(ops: readonly StoreOp[]): Promise<void> {
    this.rows += ops.length;
    for (const { key } of ops) {
      if (ORDERED.has(String.fromCharCode(key[0] ?? 0))) {
        this.#ordinal = Math.max(this.#ordinal, ordinalOf(key));
      }
    }
    // The first row of the other ledger says what the one here says.
    const rows = ops.filter(({ key }) => key[0] !== copyingKey[0]);
    await withSqlErrors(() => writeRows(this.#database, rows, () => false));
  }

  /** From now on it is a ledger. */
  async end(): Promise<void> {
    await withSqlErrors(async () => {
      await run(this.#database, `select setval('holdfast.ordinal', $1)`, [this.#ordinal + 1]);
      await recountDevices(this.#database);
      await writeRows(this.#database, [{ kind: 'delete', key: copyingKey }], () => false);
    });
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}

async function makeEmpty(database: Database, name: string): Promise<void> {
  const [copying] = await getRows(database, [copyingKey]);
  const rows = await run(database, 'select 1 from holdfast.device limit 1');
  if (copying === undefined && rows.length > 0) {
    throw new HoldfastError('HF_REQUEST_INVALID', { why: `${name} has a ledger with devices` });
  }
  const put: StoreOp = { kind: 'put', key: copyingKey, value: Uint8Array.of(1) };
  await writeRows(database, [put], () => false);
  const names = sqlTables.map((table) => table.name).filter((each) => each !== 'holdfast.meta');
  await run(database, `truncate ${names.join(', ')}`);
}

/** Connections of gateways to a database, this process not counted. */
export async function countGateways(address: string): Promise<number> {
  const database = openDatabase(readDatabaseUrl(address));
  try {
    const text = `select count(*)::int from pg_stat_activity
      where datname = current_database() and application_name = 'holdfast-gateway'
        and pid <> pg_backend_pid()`;
    const [[found] = []] = await withSqlErrors(() => run(database, text));
    return typeof found === 'number' ? found : 0;
  } finally {
    await database.close();
  }
}
