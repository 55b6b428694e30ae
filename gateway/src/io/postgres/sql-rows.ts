import { equalBytes, type ScanRange, type StoreOp, type StoreRow } from '@holdfast/protocol';
import { joinKey, splitKey, type SqlKey, type SqlTable } from './sql-tables.ts';

/** A connection to PostgreSQL, or a pool of them. */
export interface Queryable {
  /** Rows as arrays, in the order of the columns. */
  query(statement: {
    readonly name?: string;
    readonly text: string;
    readonly values: unknown[];
    readonly rowMode: 'array';
    /** How long it may take, ms. Default: as any statement. */
    readonly query_timeout?: number;
  }): Promise<{ readonly rows: unknown[][] }>;
}

const names = new Map<string, string>();

/** Runs a statement that each connection prepares once. There are a few hundred at most. */
export async function run(
  db: Queryable,
  text: string,
  values: readonly unknown[] = [],
): Promise<unknown[][]> {
  const name = names.get(text) ?? `holdfast_${names.size + 1}`;
  names.set(text, name);
  const { rows } = await db.query({ name, text, values: [...values], rowMode: 'array' });
  return rows;
}

/** What one has, in arrays that PostgreSQL unnests. */
class Columns {
  readonly devices: string[] = [];
  readonly keys: Uint8Array[] = [];
  readonly values: Uint8Array[] = [];
}

type ByTable = Map<SqlTable, Columns>;

function columnsOf(tables: ByTable, table: SqlTable): Columns {
  const known = tables.get(table);
  if (known !== undefined) return known;
  const columns = new Columns();
  tables.set(table, columns);
  return columns;
}

/** @param isLocked Rows that several devices share are held until the transaction ends. */
export async function getRows(
  db: Queryable,
  keys: readonly Uint8Array[],
  isLocked = false,
): Promise<(Uint8Array | undefined)[]> {
  const wanted = keys.map(splitKey);
  const tables: ByTable = new Map();
  for (const { table, device, key } of wanted) {
    const columns = columnsOf(tables, table);
    columns.devices.push(device);
    columns.keys.push(key);
  }
  const found = new Map<string, Uint8Array>();
  const read = async (table: SqlTable, columns: Columns): Promise<void> => {
    const rows = await readTable(db, table, { columns, isLocked });
    for (const [device, key, value] of rows) {
      found.set(nameOf({ table, device: String(device), key: bytes(key) }), bytes(value));
    }
  };
  await Promise.all(Array.from(tables, ([table, columns]) => read(table, columns)));
  return wanted.map((key) => found.get(nameOf(key)));
}

function readTable(
  db: Queryable,
  { name, isOfDevice }: SqlTable,
  { columns, isLocked }: { readonly columns: Columns; readonly isLocked: boolean },
): Promise<unknown[][]> {
  if (isOfDevice) {
    const text = `select r.device, r.key, r.value
      from unnest($1::text[], $2::bytea[]) as w(device, key)
      join ${name} r on r.device = w.device collate "C" and r.key = w.key`;
    return run(db, text, [columns.devices, columns.keys]);
  }
  const text = `select '', key, value from ${name} where key = any($1::bytea[]) order by key`;
  return run(db, isLocked ? `${text} for update` : text, [columns.keys]);
}

function nameOf({ table, device, key }: SqlKey): string {
  return `${table.letter}${device}/${Buffer.from(key).toString('latin1')}`;
}

function bytes(value: unknown): Uint8Array {
  if (value instanceof Uint8Array) return value;
  throw new TypeError('PostgreSQL has no bytes where a row has some');
}

export async function scanRows(db: Queryable, range: ScanRange): Promise<StoreRow[]> {
  const from = splitKey(range.from);
  const { table } = from;
  const bounds: string[] = [];
  const values: unknown[] = [];
  const bound = (text: string, ...parts: unknown[]): void => {
    let at = values.length;
    bounds.push(text.replaceAll('?', () => `$${(at += 1)}`));
    values.push(...parts);
  };
  const end = endOf(range, from);
  if (!table.isOfDevice) {
    bound('key >= ?', from.key);
    if (end.kind === 'key') bound('key < ?', end.key);
  } else if (end.kind === 'table') {
    bound('(device, key) >= (?, ?)', from.device, from.key);
  } else {
    bound('device = ? and key >= ?', from.device, from.key);
    if (end.kind === 'key') bound('key < ?', end.key);
  }
  const order = range.reverse === true ? 'desc' : 'asc';
  const columns = table.isOfDevice ? ['device', 'key'] : ['key'];
  const text = `select ${table.isOfDevice ? 'device' : `''`}, key, value from ${table.name}
    where ${bounds.join(' and ')}
    order by ${columns.map((column) => `${column} ${order}`).join(', ')}
    limit $${values.length + 1}`;
  const rows = await run(db, text, [...values, range.limit]);
  return rows.map(([device, key, value]) => ({
    key: joinKey({ table, device: String(device), key: bytes(key) }),
    value: bytes(value),
  }));
}

type End =
  | { readonly kind: 'key'; readonly key: Uint8Array }
  /** Of what the device of the range has in the table. */
  | { readonly kind: 'device' }
  | { readonly kind: 'table' };

/** Ranges are within a device, or from somewhere to the end of a table. */
function endOf({ from, to }: ScanRange, start: SqlKey): End {
  if (to[0] !== from[0]) return { kind: 'table' };
  if (!start.table.isOfDevice) return { kind: 'key', key: to.subarray(1) };
  const zero = from.indexOf(0);
  const device = from.subarray(0, zero);
  if (zero > 0 && equalBytes(to.subarray(0, zero), device)) {
    if (to[zero] === 0) return { kind: 'key', key: to.subarray(zero + 1) };
    if (to[zero] === 1 && to.byteLength === zero + 1) return { kind: 'device' };
  }
  throw new TypeError('a range over a part of the devices');
}

/**
 * Writes all of it in one statement.
 *
 * @param isNew Whether a device was not there when the transaction looked: then it must not be
 *   there now, or somebody else has just made it.
 * @param mayRewrite Whether blocks may take the place of others.
 */
export async function writeRows(
  db: Queryable,
  ops: readonly StoreOp[],
  isNew: (device: string) => boolean,
  mayRewrite = false,
): Promise<void> {
  const puts: ByTable = new Map();
  const fresh: ByTable = new Map();
  const deletes: ByTable = new Map();
  for (const op of ops) {
    const { table, device, key } = splitKey(op.key);
    const isFirst = table.name === 'holdfast.device' && isNew(device);
    const target = op.kind === 'delete' ? deletes : isFirst ? fresh : puts;
    const columns = columnsOf(target, table);
    columns.devices.push(device);
    columns.keys.push(key);
    if (op.kind === 'put') columns.values.push(op.value);
  }
  const parts: string[] = [];
  const values: unknown[] = [];
  const param = (value: unknown[], type: string): string => {
    values.push(value);
    return `$${values.length}::${type}[]`;
  };
  const add = (text: string): void => void parts.push(`w${parts.length} as (${text})`);
  for (const [table, columns] of fresh) {
    add(insertText(table, columns, param));
    add(countText(columns, param));
  }
  for (const [table, columns] of puts) {
    // What a block is put in the place of can only be another's: it must not be.
    const isOnce = table.name === 'holdfast.block' && !mayRewrite;
    const upsert = isOnce ? '' : onConflict(table);
    add(insertText(table, columns, param) + upsert);
  }
  for (const [table, columns] of deletes) add(deleteText(table, columns, param));
  const commands = [...puts].find(([{ name }]) => name === 'holdfast.command');
  const tell =
    commands === undefined
      ? 'select 1'
      : `select pg_notify('${COMMAND_CHANNEL}', device)
         from (select distinct unnest(${param(commands[1].devices, 'text')}) as device) as t`;
  if (parts.length > 0) await run(db, `with ${parts.join(',\n')} ${tell}`, values);
}

/** Here every gateway hears for which devices commands were issued, once they are durable. */
export const COMMAND_CHANNEL = 'holdfast_command';

type Param = (value: unknown[], type: string) => string;

function insertText({ name, isOfDevice }: SqlTable, columns: Columns, param: Param): string {
  const own = isOfDevice ? [param(columns.devices, 'text')] : [];
  const arrays = [...own, param(columns.keys, 'bytea'), param(columns.values, 'bytea')];
  return `insert into ${name} (${isOfDevice ? 'device, ' : ''}key, value)
    select * from unnest(${arrays.join(', ')})`;
}

/** By the process that serves the connection: those who add devices at once count elsewhere. */
function countText({ devices }: Columns, param: Param): string {
  return `insert into holdfast.device_count as c
    values (pg_backend_pid() % 64, cardinality(${param(devices, 'text')}))
    on conflict (slot) do update set devices = c.devices + excluded.devices`;
}

function onConflict({ isOfDevice }: SqlTable): string {
  return ` on conflict (${isOfDevice ? 'device, ' : ''}key) do update set value = excluded.value`;
}

function deleteText({ name, isOfDevice }: SqlTable, columns: Columns, param: Param): string {
  if (!isOfDevice) return `delete from ${name} where key = any(${param(columns.keys, 'bytea')})`;
  const arrays = [param(columns.devices, 'text'), param(columns.keys, 'bytea')];
  return `delete from ${name} r using unnest(${arrays.join(', ')}) as w(device, key)
    where r.device = w.device collate "C" and r.key = w.key`;
}
