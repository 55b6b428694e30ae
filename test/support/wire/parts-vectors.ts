import { createHash } from 'node:crypto';
import {
  displayValue,
  encodeEntry,
  encodeValue,
  partedValue,
  type Sha256,
} from '@holdfast/protocol';
import { diagnostic } from './diagnostic.ts';

/** What stands for a value in parts, the entries that hold it, and the value. */
export interface PartsVector {
  readonly name: string;
  /** What the entry has in the place of the value. */
  readonly hex: string;
  readonly diagnostic?: string;
  readonly meaning: string;
  /** The entries that come before it in the lane. */
  readonly parts?: readonly string[];
  /** The encoded value that they make up. Absent: they make up none. */
  readonly value?: string;
  /** JSON for people, of what stands for it. */
  readonly shows?: unknown;
}

const sha256: Sha256 = (...parts) =>
  new Uint8Array(parts.reduce((hash, part) => hash.update(part), createHash('sha256')).digest());

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

const value = encodeValue('a reading that is too long for one entry');
const size = 16;
const stamp = { atMs: 1_767_225_600_000, boot: 3, monoMs: 65_536 };

function entriesOf(run: string, n: number): readonly string[] {
  const count = Math.ceil(value.byteLength / size);
  return Array.from({ length: count }, (_, index) => {
    const part = value.subarray(index * size, (index + 1) * size);
    const place = { run, n: run === '' ? 0 : n + 1 + index };
    const body = { ...place, left: count - index, part };
    return hexOf(encodeEntry({ kind: 'value.part', ...stamp, ...body }));
  });
}

const outside = entriesOf('', 0);
const stands = partedValue(sha256, value, outside.length);
const head = 'a26124657061727473';

export function partsVectors(): readonly PartsVector[] {
  const whole = { hex: hexOf(stands), diagnostic: diagnostic(stands), shows: displayValue(stands) };
  const meant: readonly (readonly [name: string, meaning: string, parts: readonly string[]])[] = [
    ['out-of-order', 'the parts are in another order', outside.toReversed()],
    ['incomplete', 'a part is missing', outside.slice(1)],
    ['of-another', 'the parts are those of another value', outside.with(1, outside[2] ?? '')],
  ];
  return [
    { name: 'event', ...whole, meaning: 'of an event', parts: outside, value: hexOf(value) },
    {
      ...{ name: 'run', ...whole, meaning: 'of entry 4 of a run: parts come behind it in the run' },
      ...{ parts: entriesOf('r1', 4), value: hexOf(value) },
    },
    ...meant.map(([name, meaning, parts]) => ({ name, ...whole, meaning, parts })),
    { name: 'no-hash', hex: `${head}617683420102181803`, meaning: 'the hash has 32 bytes' },
    {
      name: 'no-parts',
      hex: `${head}6176835820${'00'.repeat(32)}182900`,
      meaning: 'there is one part at least',
    },
  ];
}
