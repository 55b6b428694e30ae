import { sha256 } from '@holdfast/agent/internal';
import type { Sha256 } from '@holdfast/protocol';
import { mixedHash } from './mixed-hash.ts';

/** What a world is made of that ships, or that takes its place for less. */
export interface Primitives {
  readonly sha256: Sha256;
  /** Disks have bytes in common with whoever writes and reads them. */
  readonly areBytesShared: boolean;
}

/** One world in so many is made of what ships. */
export const WHOLE_EVERY = 8;

/** The seed says what its world is made of, as it says everything else. */
export function primitivesOf(seed: number): Primitives {
  return seed % WHOLE_EVERY === 0
    ? { sha256, areBytesShared: false }
    : { sha256: mixedHash, areBytesShared: true };
}
