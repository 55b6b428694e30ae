import { SEARCHED_MAX, type LedgerStore } from '../../core/ledger-store.ts';
import { run, type Queryable } from './sql-rows.ts';

type IdsQuery = Parameters<LedgerStore['deviceIds']>[0];

/** Reads a page of ids, by the index of the primary key. */
export async function readIds(
  db: Queryable,
  { after = '', search = '', limit }: IdsQuery,
): ReturnType<LedgerStore['deviceIds']> {
  if (search !== '') return searchIds(db, { after, search, limit });
  const text = 'select device from holdfast.device where device > $1 order by device limit $2';
  const found = textsOf(await run(db, text, [after, limit + 1]));
  const ids = found.slice(0, limit);
  return { ids, next: found.length > limit ? ids.at(-1) : undefined };
}

/** Looks at a bounded number of ids behind a place, in the database. */
async function searchIds(
  db: Queryable,
  { after, search, limit }: IdsQuery,
): ReturnType<LedgerStore['deviceIds']> {
  const text = `with w as materialized (
      select device from holdfast.device where device > $1 order by device limit $2
    )
    select device from (
      select device from w where position($3 in device) > 0 order by device limit $4
    ) f
    union all select max(device) from w
    union all select case when count(*) = $2 then 'more' else '' end from w`;
  const rows = textsOf(await run(db, text, [after, SEARCHED_MAX, search, limit]));
  const [last, more] = rows.slice(-2);
  const ids = rows.slice(0, -2);
  if (ids.length === limit && ids.at(-1) !== last) return { ids, next: ids.at(-1) };
  return { ids, next: more === 'more' ? last : undefined };
}

function textsOf(rows: readonly unknown[][]): string[] {
  return rows.map(([text]) => (typeof text === 'string' ? text : ''));
}

/** How many there are, by the counts that whoever adds some keeps. */
export async function countDevices(db: Queryable): Promise<number> {
  const text = 'select coalesce(sum(devices), 0)::float8 from holdfast.device_count';
  const [[count] = []] = await run(db, text);
  return Number(count);
}

/** Counts all of them, where nobody kept count. */
export async function recountDevices(db: Queryable): Promise<void> {
  await run(
    db,
    `with gone as (delete from holdfast.device_count where slot <> 0)
     insert into holdfast.device_count select 0, count(*) from holdfast.device
     on conflict (slot) do update set devices = excluded.devices`,
  );
}
