import { createHash } from 'node:crypto';

/** The event that a device would send of a sensor: 200 B as an entry, half of it chance. */
export interface Reading {
  readonly index: number;
  readonly sensor: string;
  readonly values: readonly number[];
}

/** The same for the same index, so that what arrives can be told from what should have. */
export function reading(index: number): Reading {
  const chance = createHash('sha256').update(String(index)).digest();
  const values = Array.from({ length: 15 }, (_, at) => 20 + chance.readInt16LE(2 * at) / 65_536);
  return { index, sensor: `cold-store-${index % 8}`, values };
}
