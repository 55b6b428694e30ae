import { HoldfastError, type Store } from '@holdfast/protocol';
import { CommitQueue } from './commit-queue.ts';
import { lastCall } from './ledger-calls.ts';
import type { LedgerState } from './ledger-draft.ts';
import { behind, ordinalOf, prefixOf } from './ledger-keys.ts';
import { decodeOrDamaged, readPositions } from './ledger-reads.ts';
import { deviceRow } from './ledger-rows.ts';
import { SEARCHED_MAX, type LedgerStore, type Work } from './ledger-store.ts';
import { rowsOf } from './ledger-verify.ts';
import type { DeviceRecord } from './ledger.ts';

const PAGE_ROWS = 1_024;

/**
 * A store that this process alone writes. What is known of devices is kept in memory, about 1 KiB
 * each.
 */
export class OwnStore implements LedgerStore {
  readonly #store: Store;
  readonly #state: LedgerState;
  readonly #queue: CommitQueue;
  /** Of the devices, in order: they are asked for all together, again and again. */
  #ids: readonly string[] = [];
  readonly get: LedgerStore['get'];
  readonly getMany: LedgerStore['getMany'];
  readonly scan: LedgerStore['scan'];
  readonly compact: LedgerStore['compact'];

  private constructor(store: Store, state: LedgerState) {
    this.#store = store;
    this.#state = state;
    this.#queue = new CommitQueue(store, state);
    this.get = (key) => store.get(key);
    this.getMany = (keys) => store.getMany(keys);
    this.scan = (range) => store.scan(range);
    this.compact = (range) => store.compact(range);
  }

  /** @throws HF_STORE_DAMAGED for a device that cannot be read. */
  static async open(store: Store): Promise<OwnStore> {
    return new OwnStore(store, {
      devices: await readDevices(store),
      ordinalNext: await readOrdinalNext(store),
    });
  }

  device(device: string): Promise<DeviceRecord | undefined> {
    return Promise.resolve(this.#state.devices.get(device));
  }

  devicesOf(ids: readonly string[]): Promise<readonly DeviceRecord[]> {
    const { devices } = this.#state;
    return Promise.resolve(ids.flatMap((id) => devices.get(id) ?? []));
  }

  deviceIds(query: Parameters<LedgerStore['deviceIds']>[0]): ReturnType<LedgerStore['deviceIds']> {
    const { devices } = this.#state;
    const { after = '', search = '', limit } = query;
    // None is ever taken out: as many as before are the same ones.
    if (this.#ids.length !== devices.size) this.#ids = [...devices.keys()].toSorted(byBytes);
    const ids: string[] = [];
    let at = firstBehind(this.#ids, after);
    const end = Math.min(this.#ids.length, at + SEARCHED_MAX);
    for (; at < end && ids.length < limit; at += 1) {
      const id = this.#ids[at] ?? '';
      if (id.includes(search)) ids.push(id);
    }
    const next = at < this.#ids.length ? this.#ids[at - 1] : undefined;
    return Promise.resolve({ ids, next });
  }

  deviceCount(): Promise<number> {
    return Promise.resolve(this.#state.devices.size);
  }

  submit<T>(work: Work<T>): Promise<T> {
    return this.#queue.submit(work);
  }

  /** There is no database that anything else could be written in. */
  submitWith(): Promise<never> {
    return Promise.reject(new HoldfastError('HF_HANDLER_TRANSACTION'));
  }

  /** There is nobody else. */
  claim({ keys }: Parameters<LedgerStore['claim']>[0]): Promise<readonly boolean[]> {
    return Promise.resolve(keys.map(() => true));
  }

  async close(): Promise<void> {
    await this.#queue.idle();
    await this.#store.close();
  }
}

/** Where the first id is that is behind another one. */
function firstBehind(ids: readonly string[], after: string): number {
  let [from, to] = [0, ids.length];
  while (from < to) {
    const middle = (from + to) >> 1;
    if ((ids[middle] ?? '') > after) to = middle;
    else from = middle + 1;
  }
  return from;
}

/** Ids are ASCII. */
const byBytes = (a: string, b: string): number => (a < b ? -1 : 1);

async function readDevices(store: Store): Promise<Map<string, DeviceRecord>> {
  const devices = new Map<string, DeviceRecord>();
  for await (const { value } of rowsOf(store, prefixOf('device'), PAGE_ROWS)) {
    const row = decodeOrDamaged('a device', () => deviceRow.decode(value));
    devices.set(row.device, { ...row, lanes: await readPositions(store, row.device, row.epoch) });
  }
  return devices;
}

async function readOrdinalNext(store: Store): Promise<number> {
  const last = async (table: 'runOrder' | 'dispatchOrder'): Promise<number> => {
    const prefix = prefixOf(table);
    const range = { from: prefix, to: behind(prefix), limit: 1, reverse: true };
    const [row] = await store.scan(range);
    return row === undefined ? 0 : ordinalOf(row.key);
  };
  const ordered = [await last('runOrder'), await last('dispatchOrder')];
  return Math.max(...ordered, await lastCall(store, 'call'), await lastCall(store, 'parked')) + 1;
}
