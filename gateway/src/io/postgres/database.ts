import { HoldfastError, messageOf } from '@holdfast/protocol';
import { Pool, type PoolClient } from './pg.ts';
import type { Queryable } from './sql-rows.ts';
import { withSqlErrors } from './sql-errors.ts';

/** Transactions under way at a time, and reads beside them; one more connection listens. */
export const LANES = 4;
const READERS = 4;
/** Of handlers that write in the transaction of their result. */
export const TRANSACTIONS = 4;
/** Changes of users and tokens: one at a time. */
const CHANGES = 1;
const CONNECT_MS_MAX = 10_000;
/** Far above any statement of ours: behind it, nobody is there any more. */
const ANSWER_MS_MAX = 60_000;
/** What goes over a whole table takes as long as it takes. */
export const LONG_MS_MAX = 24 * 60 * 60_000;
/** How long a gateway that was stopped in the middle of a transaction keeps others waiting. */
const IDLE_IN_TRANSACTION_MS_MAX = 5_000;
const LOCK_MS_MAX = 15_000;
/** The oldest version that the tests were run with is 15; nothing newer than 13 is used. */
const VERSION_MIN = 130_000;

/** @throws HF_CONFIG_INVALID for what is no address of a PostgreSQL database. */
export function readDatabaseUrl(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url !== undefined && /^postgres(?:ql)?:$/.test(url.protocol)) return url;
  const why = 'the address of a ledger is postgres://USER@HOST:PORT/DATABASE';
  throw new HoldfastError('HF_CONFIG_INVALID', { why });
}

/** Without what nobody else must see. */
export function shownDatabase(url: URL): string {
  const shown = new URL(url);
  shown.password = '';
  return shown.href;
}

/** Connections to one database, made when they are needed and again when they have ended. */
export class Database implements Queryable {
  readonly #pool: Pool;

  constructor(url: URL) {
    this.#pool = new Pool({
      connectionString: url.href,
      application_name: 'holdfast-gateway',
      max: LANES + READERS + TRANSACTIONS + CHANGES + 1,
      connectionTimeoutMillis: CONNECT_MS_MAX,
      query_timeout: ANSWER_MS_MAX,
      keepAlive: true,
      pipeline: true,
      idle_in_transaction_session_timeout: IDLE_IN_TRANSACTION_MS_MAX,
      lock_timeout: LOCK_MS_MAX,
      // Whatever the server's default is: an acknowledgement means stable storage.
      options: '-c synchronous_commit=on',
    });
    // One that breaks while it is used, or is put away, is told of by what is asked on it.
    this.#pool.on('connect', (client) => client.on('error', () => {}));
    // A connection that ends while nobody uses it is no news: the next use makes another.
    this.#pool.on('error', () => {});
  }

  query(statement: Parameters<Queryable['query']>[0]): ReturnType<Queryable['query']> {
    return this.#pool.query<unknown[]>(statement);
  }

  /** Runs a body on one connection, which ends with it unless the body went well. */
  async hold<T>(body: (db: PoolClient) => Promise<T>): Promise<T> {
    const client = await this.#pool.connect();
    let isWell = false;
    try {
      const result = await body(client);
      isWell = true;
      return result;
    } finally {
      client.release(!isWell);
    }
  }

  /**
   * Whether a ledger can be here.
   *
   * @throws HF_LEDGER_UNAVAILABLE, HF_CONFIG_INVALID.
   */
  async check(): Promise<{ readonly isDurable: boolean }> {
    const [row = []] = await withSqlErrors(async () => {
      const text = `select current_setting('server_version_num')::int, pg_is_in_recovery(),
        current_setting('server_encoding'), current_setting('fsync')`;
      return (await this.query({ text, values: [], rowMode: 'array' })).rows;
    });
    const [version, isStandby, encoding, fsync] = row;
    if (typeof version !== 'number' || version < VERSION_MIN) {
      throw new HoldfastError('HF_CONFIG_INVALID', { why: 'PostgreSQL 13 or newer is needed' });
    }
    if (encoding !== 'UTF8') {
      const why = `the database has encoding ${String(encoding)}; UTF8 is needed`;
      throw new HoldfastError('HF_CONFIG_INVALID', { why });
    }
    if (isStandby === true) {
      throw new HoldfastError('HF_LEDGER_UNAVAILABLE', { why: 'the server is a standby' });
    }
    return { isDurable: fsync === 'on' };
  }

  /**
   * Listens on a channel, on a connection of its own.
   *
   * @param onEnd The connection has ended: nothing is heard any more. @returns Ends it.
   */
  async listen(
    channel: string,
    onPayload: (payload: string) => void,
    onEnd: () => void,
  ): Promise<() => void> {
    const client = await this.#pool.connect();
    let isOver = false;
    const end = (): void => {
      if (isOver) return;
      isOver = true;
      client.release(true);
      onEnd();
    };
    client.on('notification', ({ payload = '' }) => onPayload(payload));
    client.on('error', end);
    client.on('end', end);
    try {
      await client.query(`listen ${channel}`);
    } catch (error) {
      end();
      throw error;
    }
    return end;
  }

  async close(): Promise<void> {
    await this.#pool.end();
  }
}

/** @throws HF_CONFIG_INVALID when the library cannot read the address. */
export function openDatabase(url: URL): Database {
  try {
    return new Database(url);
  } catch (cause) {
    throw new HoldfastError('HF_CONFIG_INVALID', { why: messageOf(cause), cause });
  }
}
