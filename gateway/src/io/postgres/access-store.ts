import { HoldfastError, type ScanRange, type StoreOp, type StoreRange } from '@holdfast/protocol';
import type { StoreRow } from '@holdfast/protocol';
import type { AccessChange, AccessStore } from '../../core/access/access-store.ts';
import type { Database } from './database.ts';
import { withSqlErrors } from './sql-errors.ts';
import { run, type Queryable } from './sql-rows.ts';

/** Any number, as long as nobody else in the database has it: "hfaccess". */
const CHANGE_LOCK = '7522807307066241907';

export interface PostgresAccessParts {
  readonly database: Database;
  /** Why nothing can be read or written now; `undefined`: it can. */
  readonly problem: () => string | undefined;
}

/**
 * Users, tokens and the audit log in the database of the ledger, for all gateways on it. What
 * changes them takes turns across them all: a lock of the database is held while it reads and
 * writes. A gateway that is stopped in the middle loses it after some seconds, and has changed
 * nothing.
 */
export class PostgresAccessStore implements AccessStore {
  readonly #parts: PostgresAccessParts;
  /** One connection at a time waits for the lock: others are there for what is read meanwhile. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: PostgresAccessParts) {
    this.#parts = parts;
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#ask(async (db) => {
      const rows = await run(db, 'select value from holdfast.access where key = $1', [key]);
      return rows.map(([value]) => bytes(value))[0];
    });
  }

  scan({ from, to, limit, reverse = false }: ScanRange): Promise<StoreRow[]> {
    return this.#ask(async (db) => {
      const text = `select key, value from holdfast.access where key >= $1 and key < $2
        order by key ${reverse ? 'desc' : 'asc'} limit $3`;
      const rows = await run(db, text, [from, to, limit]);
      return rows.map(([key, value]) => ({ key: bytes(key), value: bytes(value) }));
    });
  }

  count({ from, to }: StoreRange): Promise<number> {
    return this.#ask(async (db) => {
      const text = 'select count(*)::int from holdfast.access where key >= $1 and key < $2';
      const [[count] = []] = await run(db, text, [from, to]);
      return Number(count);
    });
  }

  change<T>(work: () => Promise<AccessChange<T>>): Promise<T> {
    const turn = this.#turn.then(() => this.#alone(work));
    this.#turn = turn.catch(() => undefined);
    return turn;
  }

  async close(): Promise<void> {
    // The connections are the ledger's.
    await this.#turn;
  }

  async #alone<T>(work: () => Promise<AccessChange<T>>): Promise<T> {
    const done = await this.#ask((database) =>
      database.hold(async (db) => {
        await run(db, 'begin');
        await run(db, `select pg_advisory_xact_lock(${CHANGE_LOCK})`);
        const change = await settled(work);
        if (change.kind === 'done') await write(db, change.value.ops);
        await run(db, change.kind === 'done' ? 'commit' : 'rollback');
        return change;
      }),
    );
    if (done.kind === 'failed') throw done.error;
    return done.value.value;
  }

  async #ask<T>(body: (database: Database) => Promise<T>): Promise<T> {
    const why = this.#parts.problem();
    if (why !== undefined) throw new HoldfastError('HF_LEDGER_UNAVAILABLE', { why });
    return withSqlErrors(() => body(this.#parts.database));
  }
}

type Settled<T> =
  | { readonly kind: 'done'; readonly value: T }
  | { readonly kind: 'failed'; readonly error: unknown };

/** What the work throws is its own, and nothing that happened to the database. */
async function settled<T>(work: () => Promise<T>): Promise<Settled<T>> {
  try {
    return { kind: 'done', value: await work() };
  } catch (error) {
    return { kind: 'failed', error };
  }
}

async function write(db: Queryable, ops: readonly StoreOp[]): Promise<void> {
  const gone = ops.flatMap((op) => (op.kind === 'delete' ? [op.key] : []));
  const puts = ops.flatMap((op) => (op.kind === 'put' ? [op] : []));
  if (gone.length > 0) {
    await run(db, 'delete from holdfast.access where key = any($1::bytea[])', [gone]);
  }
  if (puts.length === 0) return;
  const text = `insert into holdfast.access (key, value)
    select * from unnest($1::bytea[], $2::bytea[])
    on conflict (key) do update set value = excluded.value`;
  await run(db, text, [puts.map(({ key }) => key), puts.map(({ value }) => value)]);
}

function bytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError('PostgreSQL has no bytes where a row has some');
}
