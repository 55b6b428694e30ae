import {
  HoldfastError,
  type Lane,
  type PerLane,
  type Sha256,
  type Store,
} from '@holdfast/protocol';
import { chainPlace } from './chain-place.ts';
import type { DeadLetters } from './dead-letters.ts';
import type { GroupCommit } from './group-commit.ts';
import type { Histories } from './histories.ts';
import type { Holes } from './holes.ts';
import { LaneMend, findDamage, type MendFrom } from './lane-mend.ts';
import { chainOf, type LaneState } from './lane-state.ts';
import { readSeam } from './seam.ts';

export interface MendingParts {
  readonly store: Store;
  readonly sha256: Sha256;
  readonly lanes: PerLane<LaneState>;
  readonly holes: Holes;
  readonly dead: DeadLetters;
  readonly histories: Histories;
  readonly commits: GroupCommit;
  /** So many entries of a lane were not what was journaled, and are mended. */
  readonly onMended: (lane: Lane, damaged: number) => void;
  /** What is damaged cannot be mended in place. */
  readonly onDamage: ((error: unknown) => void) | undefined;
}

const damageCodes: ReadonlySet<string> = new Set(['HF_STORE_DAMAGED', 'HF_ENTRY_DAMAGED']);

/** Looks for what is damaged of what the ledger lacks, and mends it, one lane after another. */
export class Mending {
  readonly #parts: MendingParts;

  constructor(parts: MendingParts) {
    this.#parts = parts;
  }

  /** @returns How many entries gave way to holes, or had a row that was written anew. */
  async mend(): Promise<number> {
    const { lanes, onMended, onDamage } = this.#parts;
    let damaged = 0;
    try {
      for (const state of lanes) {
        const before = await findDamage(state, this.#parts);
        const mended = before === undefined ? 0 : await this.#mendFrom(state, before);
        if (mended > 0) onMended(state.lane, mended);
        damaged += mended;
      }
    } catch (error) {
      if (isDamage(error)) onDamage?.(error);
      throw error;
    }
    return damaged;
  }

  /** Where an earlier process was cut off. */
  async goOn(): Promise<void> {
    for (const state of this.#parts.lanes) {
      const seam = await readSeam(this.#parts.store, state.lane);
      const at = seam && (await chainPlace(chainOf(this.#parts, state), seam.seq));
      if (at) await this.#mendFrom(state, { ...at, stored: seam?.hash, isApart: true });
    }
  }

  #mendFrom(state: LaneState, from: MendFrom): Promise<number> {
    const { holes, commits, histories } = this.#parts;
    return holes.serially(() =>
      commits.exclusively((turn) => {
        // The next start would not find out whose the entries were.
        histories.indexSoon();
        return new LaneMend(state, { ...this.#parts, turn }, from).run();
      }),
    );
  }
}

/** Whether an error says that what is stored is not what was written. */
export function isDamage(error: unknown): boolean {
  return error instanceof HoldfastError && damageCodes.has(error.code);
}
