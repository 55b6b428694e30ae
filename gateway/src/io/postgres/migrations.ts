import { createHash } from 'node:crypto';
import { readFile, readdir } from 'node:fs/promises';
import { HoldfastError } from '@holdfast/protocol';
import { LONG_MS_MAX, type Database } from './database.ts';
import { withSqlErrors } from './sql-errors.ts';
import type { Queryable } from './sql-rows.ts';

/** A step from one form of the tables to the next, in a file of its own. */
export interface Migration {
  /** From 1, without gaps. */
  readonly number: number;
  /** Of its file. */
  readonly name: string;
  readonly sql: string;
  readonly digest: string;
}

/** What a database has of them. */
export type Migrated =
  /** Nothing of Holdfast is there. */
  | { readonly kind: 'none' }
  /** All through `number` are done. */
  | { readonly kind: 'through'; readonly number: number };

/** Any number, as long as nobody else in the database has it: "hfmigrat". */
const MIGRATION_LOCK = '7522536766863597940';
const dir = new URL('../../../migrations/', import.meta.url);

/** All of this version, in their order. */
export async function readMigrations(): Promise<readonly Migration[]> {
  const names = (await readdir(dir)).filter((name) => /^\d{4}-.+\.sql$/.test(name)).toSorted();
  return Promise.all(
    names.map(async (name, index) => {
      const sql = await readFile(new URL(name, dir), 'utf8');
      const digest = createHash('sha256').update(sql).digest('hex');
      return { number: index + 1, name, sql, digest };
    }),
  );
}

/**
 * How far a database is. Changes nothing.
 *
 * @throws HF_STORE_DAMAGED when `holdfast` is a schema of something else, HF_STORE_FORMAT for
 *   tables of a newer version or another form of this one, HF_LEDGER_UNAVAILABLE.
 */
export function readMigrated(
  db: Queryable,
  migrations: readonly Migration[],
): Promise<Migrated> {
  return withSqlErrors(async () => {
    const [[schema, table] = []] = await ask(
      db,
      `select to_regnamespace('holdfast')::text, to_regclass('holdfast.migration')::text`,
    );
    if (schema === null) return { kind: 'none' };
    if (table === null) {
      const why = 'it has a schema holdfast that is not of Holdfast';
      throw new HoldfastError('HF_STORE_DAMAGED', { why });
    }
    const done = await ask(db, 'select number, digest from holdfast.migration order by number');
    for (const [index, [number, digest]] of done.entries()) {
      const known = migrations[index];
      if (known?.number === number && known?.digest === digest) continue;
      const what = known === undefined ? 'newer than this version' : `not those of ${known.name}`;
      throw new HoldfastError('HF_STORE_FORMAT', { why: `the tables are ${what}` });
    }
    return { kind: 'through', number: done.length };
  });
}

/** Does those that are missing, in one transaction, while no other gateway does. */
export function migrate(
  database: Database,
  migrations: readonly Migration[],
): Promise<readonly Migration[]> {
  return withSqlErrors(() =>
    database.hold(async (db) => {
      await ask(db, 'begin');
      await ask(db, `select pg_advisory_xact_lock(${MIGRATION_LOCK})`);
      const migrated = await readMigrated(db, migrations);
      if (migrated.kind === 'none') await begin(db);
      const missing = missingOf(migrated, migrations);
      for (const migration of missing) await apply(db, migration);
      await ask(db, 'commit');
      return missing;
    }),
  );
}

export function missingOf(
  migrated: Migrated,
  migrations: readonly Migration[],
): readonly Migration[] {
  const done = migrated.kind === 'none' ? 0 : migrated.number;
  return migrations.filter(({ number }) => number > done);
}

async function begin(db: Queryable): Promise<void> {
  await ask(db, 'create schema holdfast');
  await ask(
    db,
    `create table holdfast.migration (
      number integer primary key, name text not null, digest text not null,
      done_at timestamptz not null default now()
    )`,
  );
}

async function apply(db: Queryable, { number, name, sql, digest }: Migration): Promise<void> {
  await ask(db, sql);
  const text = 'insert into holdfast.migration (number, name, digest) values ($1, $2, $3)';
  await ask(db, text, [number, name, digest]);
}

/** Without a prepared statement: each is run once. */
async function ask(
  db: Queryable,
  text: string,
  values: readonly unknown[] = [],
): Promise<unknown[][]> {
  const long = { rowMode: 'array', query_timeout: LONG_MS_MAX } as const;
  const { rows } = await db.query({ text, values: [...values], ...long });
  return rows;
}
