import { HoldfastError, type Clock, type Log } from '@holdfast/protocol';
import { slotOf } from '../../core/device-slot.ts';
import type { SqlClient } from '../../core/handler-ports.ts';
import type { LedgerStore, Work } from '../../core/ledger-store.ts';
import type { DeviceRecord } from '../../core/ledger.ts';
import { Availability } from './availability.ts';
import { claimKeys, sweepClaims } from './claims.ts';
import { CommandFeed, type CommandFeedParts } from './command-feed.ts';
import { CommitLane } from './commit-lane.ts';
import { LANES, LONG_MS_MAX, TRANSACTIONS, type Database } from './database.ts';
import { Slots } from './slots.ts';
import { failureOf, withSqlErrors } from './sql-errors.ts';
import { countDevices, readIds } from './sql-devices.ts';
import { getRows, scanRows } from './sql-rows.ts';
import { sqlTables } from './sql-tables.ts';
import { readDevices, transact, transactWith } from './transaction.ts';

export interface PostgresStoreParts {
  readonly database: Database;
  /** Makes sure that a ledger is there that this version can use. */
  readonly prepare: () => Promise<void>;
  readonly clock: Pick<Clock, 'wakeIn'>;
  readonly log: Log;
  readonly onFailure: (error: unknown) => void;
}

export interface Follower extends Pick<CommandFeedParts, 'onCommand' | 'onGap'> {
  /** Why nothing can be read or written from now on; `undefined`: it can again. */
  readonly onChange: (problem: string | undefined) => void;
}

/**
 * The rows of a ledger in PostgreSQL, which any number of gateways write. Nothing of it is kept in
 * memory. Works of one device share a lane, in which they are committed in order.
 */
export class PostgresStore implements LedgerStore {
  readonly #database: Database;
  readonly #prepare: () => Promise<void>;
  readonly #availability: Availability;
  readonly #lanes: readonly CommitLane[];
  readonly #transactions = new Slots(TRANSACTIONS);
  readonly #clock: PostgresStoreParts['clock'];
  readonly #feeds: CommandFeed[] = [];
  readonly #followers: Follower[] = [];
  #isPrepared = false;

  constructor(parts: PostgresStoreParts) {
    const { database, prepare } = parts;
    this.#database = database;
    this.#clock = parts.clock;
    this.#prepare = async () => {
      if (this.#isPrepared) return;
      await prepare();
      await sweepClaims(database);
      this.#isPrepared = true;
    };
    const probe = async (): Promise<void> => {
      await this.#prepare();
      await database.check();
    };
    const onChange = (problem: string | undefined): void => {
      for (const follower of this.#followers) follower.onChange(problem);
    };
    this.#availability = new Availability({ ...parts, probe, onChange });
    const transactHere = (works: readonly Work<unknown>[]) =>
      database.hold((db) => transact(db, works));
    const onLost = (error: unknown) => this.#availability.lost(error);
    this.#lanes = Array.from(
      { length: LANES },
      () => new CommitLane({ transact: transactHere, onLost }),
    );
  }

  /** Why nothing can be read or written now; `undefined`: it can. */
  get problem(): string | undefined {
    return this.#availability.problem;
  }

  /**
   * Looks whether the ledger is there.
   *
   * @param mayWait Where the database cannot be reached, go on looking.
   * @throws whatever `prepare` throws that no waiting mends.
   */
  async open(mayWait: boolean): Promise<void> {
    try {
      await this.#prepare();
    } catch (error) {
      if (!mayWait || failureOf(error) === 'never') throw error;
      this.#availability.lost(error);
    }
  }

  get(key: Uint8Array): Promise<Uint8Array | undefined> {
    return this.#read(async () => (await getRows(this.#database, [key]))[0]);
  }

  getMany(keys: readonly Uint8Array[]): Promise<(Uint8Array | undefined)[]> {
    return this.#read(() => getRows(this.#database, keys));
  }

  scan(range: Parameters<LedgerStore['scan']>[0]): ReturnType<LedgerStore['scan']> {
    return this.#read(() => scanRows(this.#database, range));
  }

  device(device: string): Promise<DeviceRecord | undefined> {
    return this.#read(async () => (await readDevices(this.#database, [device]))[0]);
  }

  devicesOf(devices: readonly string[]): Promise<readonly DeviceRecord[]> {
    return this.#read(() => readDevices(this.#database, devices));
  }

  deviceIds(query: Parameters<LedgerStore['deviceIds']>[0]): ReturnType<LedgerStore['deviceIds']> {
    return this.#read(() => readIds(this.#database, query));
  }

  deviceCount(): Promise<number> {
    return this.#read(() => countDevices(this.#database));
  }

  submit<T>(work: Work<T>): Promise<T> {
    const unavailable = this.#unavailable();
    if (unavailable !== undefined) return Promise.reject(unavailable);
    const lane = this.#lanes[slotOf(work.devices[0] ?? '', LANES)];
    return lane === undefined ? Promise.reject(new TypeError('no lane')) : lane.submit(work);
  }

  submitWith<V, T>(
    body: (sql: SqlClient) => Promise<V>,
    workOf: (value: V) => Work<T>,
  ): Promise<T> {
    const unavailable = this.#unavailable();
    if (unavailable !== undefined) return Promise.reject(unavailable);
    return this.#transactions.hold(() =>
      this.#database.hold((db) => transactWith(db, body, workOf)),
    );
  }

  /**
   * Rows that were deleted leave the table, and their room is used again. What the write-ahead log,
   * standbys and backups have of them goes with those.
   */
  async compact({ from }: Parameters<LedgerStore['compact']>[0]): Promise<void> {
    const letter = String.fromCharCode(from[0] ?? 0);
    const table = sqlTables.find((each) => each.letter === letter);
    if (table === undefined) return;
    const text = `vacuum ${table.name}`;
    const long = { rowMode: 'array', query_timeout: LONG_MS_MAX } as const;
    await this.#read(() => this.#database.query({ text, values: [], ...long }));
  }

  claim(claim: Parameters<LedgerStore['claim']>[0]): ReturnType<LedgerStore['claim']> {
    return this.#read(() => claimKeys(this.#database, claim));
  }

  /** Has somebody told of what happens in the database, until this is closed. */
  follow(told: Follower): void {
    this.#followers.push(told);
    if (this.problem !== undefined) told.onChange(this.problem);
    const feed = new CommandFeed({ database: this.#database, clock: this.#clock, ...told });
    this.#feeds.push(feed);
    void feed.open();
  }

  async close(): Promise<void> {
    await Promise.all(this.#lanes.map((lane) => lane.idle()));
    this.#availability.close();
    for (const feed of this.#feeds) feed.close();
    await this.#database.close();
  }

  #unavailable(): HoldfastError | undefined {
    const why = this.#availability.problem;
    return why === undefined ? undefined : new HoldfastError('HF_LEDGER_UNAVAILABLE', { why });
  }

  async #read<T>(body: () => Promise<T>): Promise<T> {
    const unavailable = this.#unavailable();
    if (unavailable !== undefined) throw unavailable;
    return withSqlErrors(body);
  }
}
