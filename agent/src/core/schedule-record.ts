import { decodeCbor, encodeCbor, invalid, type Store, type StoreOp } from '@holdfast/protocol';
import { scheduleKey, tableRange } from './keys.ts';

/** What the store knows of a schedule. Written with what each slot leads to, in one commit. */
export interface ScheduleRecord {
  readonly id: string;
  readonly workflow: string;
  readonly cron: string;
  /** IANA name. */
  readonly timezone: string;
  readonly missed: string;
  readonly overlap: string;
  readonly isPaused: boolean;
  /** Slots through it have had their turn, or were passed over; 0: none has come yet. */
  readonly cursorMs: number;
  /** What `Coverage` stores. */
  readonly coverage: readonly number[];
  /** Slots whose runs wait for an earlier run to end, oldest first. */
  readonly buffer: readonly number[];
  /** Slot of the run that was started last, and its id; 0 and empty: none was. */
  readonly lastSlotAtMs: number;
  readonly lastRun: string;
}

const fields = [
  'id',
  'workflow',
  'cron',
  'timezone',
  'missed',
  'overlap',
  'isPaused',
  'cursorMs',
  'coverage',
  'buffer',
  'lastSlotAtMs',
  'lastRun',
] as const satisfies readonly (keyof ScheduleRecord)[];

const SCHEDULES_MAX = 10_000;

/** Reads and lays out what the store has of schedules. The journal's commits write it. */
export class ScheduleStore {
  readonly #store: Store;

  constructor(store: Store) {
    this.#store = store;
  }

  async record(id: string): Promise<ScheduleRecord | undefined> {
    const value = await this.#store.get(scheduleKey(id));
    return value && decodeRecord(value);
  }

  /** All of them, in the order of their ids. */
  async records(): Promise<readonly ScheduleRecord[]> {
    const rows = await this.#store.scan({ ...tableRange('s'), limit: SCHEDULES_MAX });
    return rows.map(({ value }) => decodeRecord(value));
  }

  static put(record: ScheduleRecord): StoreOp {
    const value = encodeCbor(fields.map((field) => record[field]));
    return { kind: 'put', key: scheduleKey(record.id), value };
  }
}

function decodeRecord(bytes: Uint8Array): ScheduleRecord {
  const items = decodeCbor(bytes, { bytesMax: 1 << 20, depthMax: 3, itemsMax: 65_536 });
  if (!Array.isArray(items) || items.length < fields.length) {
    throw invalid('schedule record', 'is short');
  }
  const row = Object.fromEntries(fields.map((field, index) => [field, items[index] as unknown]));
  // The bytes are our own: the store's checksums tell what a disk has done to them.
  return row as unknown as ScheduleRecord;
}
