import { hex } from '@holdfast/protocol';
import { run, type Queryable } from './sql-rows.ts';

export interface ClaimRequest {
  readonly keys: readonly Uint8Array[];
  readonly owner: string;
  readonly forMs: number;
}

/**
 * Claims what is nobody's, or was somebody's whose time is over. By the clock of the database: it
 * is the same one for all.
 */
export async function claimKeys(
  db: Queryable,
  { keys, owner, forMs }: ClaimRequest,
): Promise<readonly boolean[]> {
  const text = `insert into holdfast.claim as c (key, owner, until)
    select key, $2::text, clock_timestamp() + $3::float8 * interval '1 millisecond'
    from unnest($1::bytea[]) as w(key) order by key
    on conflict (key) do update set owner = excluded.owner, until = excluded.until
      where c.owner = excluded.owner or c.until < clock_timestamp()
    returning key`;
  const rows = await run(db, text, [keys, owner, forMs]);
  const own = new Set(rows.map(([key]) => (key instanceof Uint8Array ? hex(key) : '')));
  return keys.map((key) => own.has(hex(key)));
}

/** Forgets claims that have been over for a while: what they were for has its result. */
export async function sweepClaims(db: Queryable): Promise<void> {
  await run(db, `delete from holdfast.claim where until < clock_timestamp() - interval '1 hour'`);
}
