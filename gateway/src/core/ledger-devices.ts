import type { DeviceLedger, DevicesFound, DevicesSought, NewLife } from './device-ledger.ts';
import { hasTags, type Tag } from './dispatch.ts';
import { behind, newLivesFrom, parseNewLife, prefixOf } from './ledger-keys.ts';
import { newLifeRow } from './ledger-rows.ts';
import type { LedgerStore } from './ledger-store.ts';
import { readTagged } from './tag-index.ts';

/** Looked at for one page, of those that have the first of its tags. */
const TAGGED_MAX = 5_000;

/** Reads a page of devices: by their ids, or by the index of the first tag that they must have. */
export async function readDevicePage(
  store: LedgerStore,
  { tags = [], ...query }: DevicesSought,
): Promise<DevicesFound> {
  const [first] = tags;
  if (first !== undefined) return readTaggedPage(store, { ...query, first, tags });
  const { ids, next } = await store.deviceIds(query);
  return { records: inOrder(await store.devicesOf(ids)), next };
}

async function readTaggedPage(
  store: LedgerStore,
  query: DevicesSought & { readonly first: Tag; readonly tags: readonly Tag[] },
): Promise<DevicesFound> {
  const { first, tags, search = '', limit } = query;
  const records: DevicesFound['records'][number][] = [];
  let { after } = query;
  for (let looked = 0; looked < TAGGED_MAX; looked += limit) {
    const ids = await readTagged(store, first, { after, limit });
    const named = ids.filter((id) => id.includes(search));
    for (const record of inOrder(await store.devicesOf(named))) {
      // What the index says may have been changed since.
      if (!hasTags(record.tags, tags)) continue;
      records.push(record);
      if (records.length === limit) return { records, next: record.device };
    }
    after = ids.at(-1);
    if (ids.length < limit) return { records, next: undefined };
  }
  return { records, next: after };
}

function inOrder(records: DevicesFound['records']): DevicesFound['records'] {
  return records.toSorted((a, b) => (a.device < b.device ? -1 : 1));
}

/** Reads which journals began anew of late, the newest first. */
export async function readNewLives(
  store: Pick<LedgerStore, 'scan'>,
  { sinceMs, limit }: Parameters<DeviceLedger['newLives']>[0],
): Promise<readonly NewLife[]> {
  const [from, to] = [newLivesFrom(Math.max(0, sinceMs)), behind(prefixOf('newLife'))];
  const rows = await store.scan({ from, to, limit, reverse: true });
  return rows.map(({ key, value }) => ({ ...parseNewLife(key), ...newLifeRow.decode(value) }));
}

