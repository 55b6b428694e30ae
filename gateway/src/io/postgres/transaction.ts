import { NO_BYTES, eachLane, hex, type StoreOp } from '@holdfast/protocol';
import type { PoolClient } from 'pg';
import type { SqlClient } from '../../core/handler-ports.ts';
import { Draft } from '../../core/ledger-draft.ts';
import { positionKey } from '../../core/ledger-keys.ts';
import { decodeOrDamaged } from '../../core/ledger-reads.ts';
import { deviceRow, positionRow } from '../../core/ledger-rows.ts';
import type { View, Work } from '../../core/ledger-store.ts';
import type { DeviceRecord, LanePosition } from '../../core/ledger.ts';
import { withClient } from './sql-client.ts';
import { getRows, run, scanRows, writeRows, type Queryable } from './sql-rows.ts';

/** Any number, as long as nobody else in the database has it: "hferased". */
const ERASURE_LOCK = '7522527902936130916';

/**
 * Does works on an open connection, in one transaction. The rows of the devices that they name are
 * held from its beginning: another gateway waits, or finds what was done here. A connection whose
 * gateway was stopped in the middle is ended by the database, and then nothing was done.
 */
export async function transact(
  db: Queryable,
  works: readonly Work<unknown>[],
): Promise<readonly unknown[]> {
  const [, devices] = await Promise.all([run(db, 'begin'), hold(db, works)]);
  const { draft, results } = await work(db, works, devices);
  const mayRewrite = works.some(({ rewrites = false }) => rewrites);
  await end(db, draft.ops(), (device) => !devices.has(device), mayRewrite);
  return results;
}

/**
 * Does the work that follows from what `body` gives, in one transaction with what that writes: none
 * of it where the work gives `undefined`.
 */
export async function transactWith<V, T>(
  db: PoolClient,
  body: (sql: SqlClient) => Promise<V>,
  workOf: (value: V) => Work<T>,
): Promise<T> {
  await run(db, 'begin');
  const works = [workOf(await withClient(db, body))];
  // Not before: whoever sends entries of the device does not wait for `body`.
  const devices = await hold(db, works);
  const { draft, results } = await work(db, works, devices);
  // There is one work, so the first result is its own.
  const result = results[0] as T;
  if (result === undefined) await run(db, 'rollback');
  else await end(db, draft.ops(), (device) => !devices.has(device));
  return result;
}

async function work(
  db: Queryable,
  works: readonly Work<unknown>[],
  devices: Map<string, DeviceRecord>,
): Promise<{ readonly draft: Draft; readonly results: readonly unknown[] }> {
  const view: View = {
    get: async (key) => (await getRows(db, [key]))[0],
    getMany: (keys) => getRows(db, keys),
    scan: (range) => scanRows(db, range),
    device: (device) => devices.get(device),
  };
  const keys = new Map(works.flatMap((each) => each.reads(view)).map((key) => [hex(key), key]));
  const [values, ordinalNext] = await Promise.all([
    getRows(db, [...keys.values()], true),
    nextOrdinal(db, works),
    ...works.map((each) => each.prepare?.(view)),
  ]);
  const stored = new Map(Array.from(keys.keys(), (id, index) => [id, values[index]]));
  const draft = new Draft({ devices, ordinalNext }, stored);
  return { draft, results: works.map((each) => each.apply(draft)) };
}

/** What the works are about is theirs alone until the transaction ends. */
async function hold(
  db: Queryable,
  works: readonly Work<unknown>[],
): Promise<Map<string, DeviceRecord>> {
  const names = [...new Set(works.flatMap(({ devices }) => devices))];
  const [, ...found] = await Promise.all([
    lockErasures(db, works),
    ...(names.length === 0 ? [] : [lockDevices(db, names), currentPositions(db, names)]),
  ]);
  const [records = [], positions = []] = found;
  return readRecords(records, positions);
}

function lockErasures(db: Queryable, works: readonly Work<unknown>[]): Promise<unknown> {
  if (works.some(({ erasure }) => erasure === 'makes')) {
    return run(db, `select pg_advisory_xact_lock(${ERASURE_LOCK})`);
  }
  if (works.every(({ erasure }) => erasure === undefined)) return Promise.resolve();
  return run(db, `select pg_advisory_xact_lock_shared(${ERASURE_LOCK})`);
}

/** In one order, whoever does it, so that no two wait for each other. */
function lockDevices(db: Queryable, names: readonly string[]): Promise<unknown[][]> {
  const text = `select value from holdfast.device where device = any($1::text[])
    order by device for no key update`;
  return run(db, text, [names]);
}

function currentPositions(db: Queryable, names: readonly string[]): Promise<unknown[][]> {
  const text = `select distinct on (device, substring(key from 9)) device, key, value
    from holdfast.position where device = any($1::text[])
    order by device, substring(key from 9), key desc`;
  return run(db, text, [names]);
}

/** What is known of devices outside of a transaction, in one look. */
export async function readDevices(
  db: Queryable,
  names: readonly string[],
): Promise<readonly DeviceRecord[]> {
  if (names.length === 0) return [];
  const text = `select d.value, p.device, p.key, p.value
    from holdfast.device d join holdfast.position p on p.device = d.device
    where d.device = any($1::text[])`;
  const rows = await run(db, text, [names]);
  const records = rows.map(([value]) => [value]);
  const positions = rows.map(([, ...position]) => position);
  return [...readRecords(records, positions).values()];
}

function readRecords(
  records: readonly unknown[][],
  positions: readonly unknown[][],
): Map<string, DeviceRecord> {
  const stored = new Map(
    positions.map(([device, key, value]) => [`${String(device)}/${hexOf(key)}`, bytesOf(value)]),
  );
  const devices = new Map<string, DeviceRecord>();
  for (const [value] of records) {
    const row = decodeOrDamaged('a device', () => deviceRow.decode(bytesOf(value)));
    const { device, epoch } = row;
    if (devices.has(device)) continue;
    const lanes = eachLane((lane): LanePosition => {
      const key = positionKey({ device, epoch, lane }).subarray(device.length + 2);
      const found = stored.get(`${device}/${hex(key)}`) ?? NO_BYTES;
      return decodeOrDamaged(`a position of ${device}`, () => positionRow.decode(found));
    });
    devices.set(device, { ...row, lanes });
  }
  return devices;
}

const bytesOf = (value: unknown): Uint8Array =>
  value instanceof Uint8Array ? value : NO_BYTES;
const hexOf = (value: unknown): string => hex(bytesOf(value));

async function nextOrdinal(db: Queryable, works: readonly Work<unknown>[]): Promise<number> {
  if (works.every(({ ordinals = 0 }) => ordinals === 0)) return 0;
  const [[ordinal] = []] = await run(db, `select nextval('holdfast.ordinal')`);
  return Number(ordinal);
}

async function end(
  db: Queryable,
  ops: readonly StoreOp[],
  isNew: (device: string) => boolean,
  mayRewrite = false,
): Promise<void> {
  // Both are on their way at once: where the first fails, the second has nothing to commit.
  await Promise.all([writeRows(db, ops, isNew, mayRewrite), run(db, 'commit')]);
}
