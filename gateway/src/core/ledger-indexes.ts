import { devicePages, type DevicesSought } from './device-ledger.ts';
import { Tallies } from './dispatch-tally.ts';
import { readDevicePage } from './ledger-devices.ts';
import { dispatchedOf, newLifeKey, prefixOf, type Table } from './ledger-keys.ts';
import { dispatchRow, dispatchedRow, epochRow, newLifeRow } from './ledger-rows.ts';
import type { LedgerStore } from './ledger-store.ts';
import { rowsOf } from './ledger-verify.ts';
import { moveTags } from './tag-index.ts';

/** What follows from rows that are no entries. */
export const indexes: readonly Table[] = ['newLife', 'tagged', 'tally'];
/** Rows in memory at a time. */
const ROWS_MAX = 1_024;

/** Makes these tables anew, which are empty. */
export async function makeIndexes(store: LedgerStore): Promise<void> {
  await indexLives(store);
  await indexTags(store);
  await countDispatched(store);
}

/** Which lives began for a cause, as it is kept with them. */
async function indexLives(store: LedgerStore): Promise<void> {
  for await (const { key, value } of rowsOf(store, prefixOf('epoch'), ROWS_MAX)) {
    const { epoch, beganAtMs, cause } = epochRow.decode(value);
    if (cause === '') continue;
    const device = String.fromCharCode(...key.subarray(1, key.indexOf(0)));
    await store.submit({
      ...{ devices: [], reads: () => [], bytes: 128 },
      apply: (draft) => {
        draft.put(newLifeKey(beganAtMs, device), newLifeRow.encode({ epoch, cause }));
      },
    });
  }
}

/** By which tags devices are found. */
async function indexTags(store: LedgerStore): Promise<void> {
  const source = { devices: (query: DevicesSought) => readDevicePage(store, query) };
  for await (const records of devicePages(source)) {
    const tagged = records.filter(({ tags }) => tags.length > 0);
    await store.submit({
      ...{ devices: [], reads: () => [], bytes: 1_024 * tagged.length },
      apply: (draft) => {
        for (const { device, tags } of tagged) {
          moveTags(draft, device, { before: [], after: tags });
        }
      },
    });
  }
}

/** On how many devices what became of each dispatch. */
async function countDispatched(store: LedgerStore): Promise<void> {
  for await (const stored of rowsOf(store, prefixOf('dispatch'), ROWS_MAX)) {
    const { id } = dispatchRow.decode(stored.value);
    const tallies = new Tallies();
    for await (const { value } of rowsOf(store, dispatchedOf(id), ROWS_MAX)) {
      tallies.add(dispatchedRow.decode(value));
    }
    await store.submit({
      ...{ devices: [], reads: () => [], bytes: 4_096 },
      apply: (draft) => tallies.put(draft, id),
    });
  }
}
