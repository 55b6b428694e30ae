import type { Tag } from './dispatch.ts';
import type { DeviceRecord } from './ledger.ts';

/** What the ledger tells of devices. Nothing here reads all of them for an answer. */
export interface DeviceLedger {
  /** `undefined`: never seen. */
  device(device: string): Promise<DeviceRecord | undefined>;

  /** Those of these devices that were ever seen, in no order. */
  devicesOf(devices: readonly string[]): Promise<readonly DeviceRecord[]>;

  /** A page of the devices that fit. */
  devices(query: DevicesSought): Promise<DevicesFound>;

  /** How many there are, by a count that is kept. */
  deviceCount(): Promise<number>;

  /** Lives of journals that began for a cause, the newest first. */
  newLives(query: {
    readonly sinceMs: number;
    readonly limit: number;
  }): Promise<readonly NewLife[]>;
}

export interface DevicesSought {
  /** Only behind this id. */
  readonly after?: string | undefined;
  /** Only those that have all of these. Default: all. */
  readonly tags?: readonly Tag[] | undefined;
  /** Only those with this in their id. Default: all. */
  readonly search?: string | undefined;
  readonly limit: number;
}

export interface DevicesFound {
  /** In the order of their ids, at most `limit`. */
  readonly records: readonly DeviceRecord[];
  /**
   * Where to go on; `undefined`: these were the last. Some thousands are looked at for a page, so
   * that one may have fewer than asked for, or none.
   */
  readonly next: string | undefined;
}

/** One life of a device's journal that began for a cause. */
export interface NewLife {
  readonly device: string;
  readonly epoch: number;
  readonly beganAtMs: number;
  readonly cause: string;
}

/** Devices in memory at a time. */
const PAGE = 1_000;

/** Goes through devices page by page. A device that comes meanwhile may be passed over. */
export async function* devicePages(
  ledger: Pick<DeviceLedger, 'devices'>,
  { limit = PAGE, ...query }: Partial<DevicesSought> = {},
): AsyncGenerator<readonly DeviceRecord[], void> {
  let { after } = query;
  do {
    const { records, next } = await ledger.devices({ ...query, after, limit });
    if (records.length > 0) yield records;
    after = next;
  } while (after !== undefined);
}

/** Goes through devices one by one. */
export async function* eachDevice(
  ledger: Pick<DeviceLedger, 'devices'>,
  query: Partial<DevicesSought> = {},
): AsyncGenerator<DeviceRecord, void> {
  for await (const page of devicePages(ledger, query)) yield* page;
}
