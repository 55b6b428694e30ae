import type { StoreRow } from '@holdfast/protocol';

/** A row that tells its number in its key, in order, and in its value. */
export function rowOf(n: number): StoreRow {
  return { key: Uint8Array.of(1, n >> 16, n >> 8, n), value: Buffer.from(`row ${n}`.padEnd(100)) };
}

export function numberOf(row: StoreRow): number {
  return Number.parseInt(Buffer.from(row.value).toString().slice(4), 10);
}
