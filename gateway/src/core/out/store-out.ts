import type { StoreRow } from '@holdfast/protocol';
import type { Draft } from '../ledger-draft.ts';
import { behind, prefixOf, runKey } from '../ledger-keys.ts';
import { runRow } from '../ledger-rows.ts';
import type { LedgerStore } from '../ledger-store.ts';
import {
  cursorKey,
  cursorRow,
  cursorsOf,
  deadKey,
  deadOf,
  deadRow,
  subscriberKey,
  subscriberRow,
} from './out-rows.ts';
import type { OutCursor } from './read-out.ts';
import type { DeadEvent, OutLedger, Subscriber } from './subscriber.ts';

/** Beyond this, one subscriber with a filter does as well. */
export const SUBSCRIBERS_MAX = 100;
const PAGE_ROWS = 1_000;

/** What a ledger keeps of what goes out of it, over the store of the ledger. */
export class StoreOut implements OutLedger {
  readonly #store: LedgerStore;

  constructor(store: LedgerStore) {
    this.#store = store;
  }

  async workflows(device: string, runs: readonly string[]): Promise<ReadonlyMap<string, string>> {
    const found = new Map<string, string>();
    if (runs.length === 0) return found;
    const rows = await this.#store.getMany(runs.map((run) => runKey(device, run)));
    rows.forEach((row, index) => {
      const run = runs[index];
      if (row !== undefined && run !== undefined) found.set(run, runRow.decode(row).workflow);
    });
    return found;
  }

  async subscribers(): Promise<readonly Subscriber[]> {
    const prefix = prefixOf('subscriber');
    const range = { from: prefix, to: behind(prefix), limit: SUBSCRIBERS_MAX };
    return (await this.#store.scan(range)).map(({ value }) => subscriberRow.decode(value));
  }

  async subscriber(id: string): Promise<Subscriber | undefined> {
    const row = await this.#store.get(subscriberKey(id));
    return row && subscriberRow.decode(row);
  }

  saveSubscriber(subscriber: Subscriber): Promise<void> {
    const value = subscriberRow.encode(subscriber);
    return this.#change((draft) => draft.put(subscriberKey(subscriber.id), value));
  }

  async removeSubscriber(id: string): Promise<boolean> {
    if ((await this.subscriber(id)) === undefined) return false;
    // It is told nothing more; what is left without it is nobody's.
    await this.#change((draft) => draft.delete(subscriberKey(id)));
    for (const prefix of [cursorsOf(id), deadOf(id)]) await this.#deleteAll(prefix);
    return true;
  }

  async claimSubscriber(id: string, owner: string, forMs: number): Promise<boolean> {
    const [isOwn] = await this.#store.claim({ keys: [subscriberKey(id)], owner, forMs });
    return isOwn === true;
  }

  async cursors(
    id: string,
    devices: readonly string[],
  ): Promise<readonly (OutCursor | undefined)[]> {
    if (devices.length === 0) return [];
    const rows = await this.#store.getMany(devices.map((device) => cursorKey(id, device)));
    return rows.map((row) => row && cursorRow.decode(row));
  }

  async advance({ id, cursors, dead = [] }: Parameters<OutLedger['advance']>[0]): Promise<void> {
    const all = [...cursors];
    // The last page has the events: what it did not take is there before it counts as told.
    for (let from = 0; from === 0 || from < all.length; from += PAGE_ROWS) {
      const page = all.slice(from, from + PAGE_ROWS);
      await this.#change((draft) => {
        for (const [device, cursor] of page) {
          draft.put(cursorKey(id, device), cursorRow.encode(cursor));
        }
        if (from === 0) putDead(draft, id, dead);
      });
    }
  }

  async deadEvents({
    id,
    after,
    limit,
  }: Parameters<OutLedger['deadEvents']>[0]): Promise<readonly DeadEvent[]> {
    const prefix = deadOf(id);
    const from = after === undefined ? prefix : Uint8Array.of(...deadKey(id, after), 0);
    const rows = await this.#store.scan({ from, to: behind(prefix), limit });
    return rows.map(({ value }) => deadRow.decode(value));
  }

  changeDead({ id, put, gone }: Parameters<OutLedger['changeDead']>[0]): Promise<void> {
    return this.#change((draft) => {
      putDead(draft, id, put);
      for (const place of gone) draft.delete(deadKey(id, place));
    });
  }

  async #deleteAll(prefix: Uint8Array): Promise<void> {
    for (;;) {
      const range = { from: prefix, to: behind(prefix), limit: PAGE_ROWS };
      const rows: readonly StoreRow[] = await this.#store.scan(range);
      if (rows.length === 0) return;
      await this.#change((draft) => {
        for (const { key } of rows) draft.delete(key);
      });
    }
  }

  #change(apply: (draft: Draft) => void): Promise<void> {
    return this.#store.submit({ devices: [], reads: () => [], bytes: 4_096, apply });
  }
}

function putDead(draft: Draft, id: string, events: readonly DeadEvent[]): void {
  for (const event of events) draft.put(deadKey(id, event.place), deadRow.encode(event));
}
