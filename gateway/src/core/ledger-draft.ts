import {
  eachLane,
  equalBytes,
  hex,
  laneIndex,
  type Lane,
  type PerLane,
  type StoreOp,
} from '@holdfast/protocol';
import type { DeviceRecord, LanePosition } from './ledger.ts';
import { deviceKey, positionKey } from './ledger-keys.ts';
import { moveTags } from './tag-index.ts';
import { deviceRow, positionRow, type Row } from './ledger-rows.ts';

/** What is durable and kept in memory. Only a draft that has been written changes it. */
export interface LedgerState {
  readonly devices: Map<string, DeviceRecord>;
  /** Orders runs and calls by their arrival; the next one to give out. */
  ordinalNext: number;
}

/**
 * One transaction in the making. What it reads is what earlier work of the same transaction left,
 * else what the store held when it began.
 */
export class Draft {
  readonly #state: LedgerState;
  readonly #stored: ReadonlyMap<string, Uint8Array | undefined>;
  readonly #devices = new Map<string, DeviceRecord>();
  readonly #positions = new Map<string, { device: string; lane: Lane }>();
  readonly #ops = new Map<string, StoreOp>();
  #ordinalNext: number;

  constructor(state: LedgerState, stored: ReadonlyMap<string, Uint8Array | undefined>) {
    this.#state = state;
    this.#stored = stored;
    this.#ordinalNext = state.ordinalNext;
  }

  device(device: string): DeviceRecord | undefined {
    return this.#devices.get(device) ?? this.#state.devices.get(device);
  }

  /** Changes what is known of a device; `advance` changes its positions. */
  setDevice(record: DeviceRecord): void {
    const before = this.device(record.device)?.tags ?? [];
    if (before !== record.tags) moveTags(this, record.device, { before, after: record.tags });
    this.#devices.set(record.device, record);
    this.put(deviceKey(record.device), deviceRow.encode(record));
  }

  advance(device: string, lane: Lane, position: LanePosition): void {
    const record = this.device(device);
    if (record === undefined) return;
    this.#devices.set(device, { ...record, lanes: withLane(record.lanes, lane, position) });
    this.#positions.set(`${device}/${lane}`, { device, lane });
  }

  /** A row that was loaded for this transaction, or was put in it. */
  get<T>(key: Uint8Array, row: Row<T>): T | undefined {
    const id = hex(key);
    const op = this.#ops.get(id);
    const stored = op === undefined ? this.#stored.get(id) : op.kind === 'put' && op.value;
    if (stored === undefined || stored === false) return undefined;
    try {
      return row.decode(stored);
    } catch {
      // A projection that is damaged is begun anew: what it was derived from is in the blocks.
      return undefined;
    }
  }

  /** Whether there is such a row, which was loaded for this transaction. */
  has(key: Uint8Array): boolean {
    const id = hex(key);
    const op = this.#ops.get(id);
    return op === undefined ? this.#stored.get(id) !== undefined : op.kind === 'put';
  }

  /** Whether a row is as it was read before this transaction, which loaded it, too. */
  holds(key: Uint8Array, value: Uint8Array): boolean {
    const stored = this.#ops.has(hex(key)) ? undefined : this.#stored.get(hex(key));
    return stored !== undefined && equalBytes(stored, value);
  }

  put(key: Uint8Array, value: Uint8Array): void {
    this.#ops.set(hex(key), { kind: 'put', key, value });
  }

  delete(key: Uint8Array): void {
    this.#ops.set(hex(key), { kind: 'delete', key });
  }

  nextOrdinal(): number {
    return this.#ordinalNext++;
  }

  /** All that is to be written, at once. */
  ops(): StoreOp[] {
    for (const { device, lane } of this.#positions.values()) {
      const record = this.device(device);
      const position = record?.lanes[laneIndex(lane)];
      if (record === undefined || position === undefined) continue;
      const key = positionKey({ device, epoch: record.epoch, lane });
      this.put(key, positionRow.encode(position));
    }
    return [...this.#ops.values()];
  }

  /** Takes over into memory what is now durable. */
  settle(): void {
    for (const [device, record] of this.#devices) this.#state.devices.set(device, record);
    this.#state.ordinalNext = this.#ordinalNext;
  }
}

function withLane(
  positions: PerLane<LanePosition>,
  lane: Lane,
  position: LanePosition,
): PerLane<LanePosition> {
  return eachLane((each) => (each === lane ? position : positions[laneIndex(each)]));
}
