import {
  HASH_BYTES,
  equalBytes,
  type Clock,
  type Sha256,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import { chainPlace, type ChainPlace } from './chain-place.ts';
import type { Holes } from './holes.ts';
import { ackKey, putNumber } from './keys.ts';
import { holesBetween, type HoleSums } from './lane-holes.ts';
import { chainOf, type LaneState } from './lane-state.ts';

export interface AcksParts {
  readonly store: Store;
  readonly sha256: Sha256;
  readonly clock: Clock;
  readonly holes: Holes;
  /** Makes a commit, which takes what `takeOps` has for it. */
  readonly save: () => Promise<unknown>;
  readonly onChange: () => void;
}

/** How long a new watermark may wait for a commit to ride on. */
const ACK_SAVE_MS = 1_000;

/** Watermarks on their way to the disk. A lost one costs no more than being told it again. */
export class Acks {
  readonly #parts: AcksParts;
  readonly #unsaved = new Set<LaneState>();
  #cancelSave: (() => void) | undefined;

  constructor(parts: AcksParts) {
    this.#parts = parts;
  }

  /**
   * Takes in a watermark above the known one. Inside a hole the chain is not known: the lane is
   * acknowledged up to the hole, until the ledger has all of it.
   *
   * @returns `false`: the chain here is not at `hash` there; nothing is taken in.
   */
  async take(state: LaneState, watermark: number, hash: Uint8Array): Promise<boolean> {
    const { store, holes } = this.#parts;
    const { lane } = state;
    const place = await chainPlace(chainOf(this.#parts, state), watermark);
    if (place === undefined) return true;
    if (!place.isSure || !equalBytes(place.hash, hash)) return false;
    if (state.pendingHoles.count > 0) {
      await holes.serially(async () => {
        const passed = { after: state.acked, through: watermark };
        this.#advance(state, place, await holesBetween(store, lane, passed));
      });
    } else this.#advance(state, place, { count: 0, entries: 0, bytes: 0 });
    return true;
  }

  /** They ride on commits. */
  takeOps(): StoreOp[] {
    const ops = [...this.#unsaved].map((state): StoreOp => {
      const value = new Uint8Array(6 + HASH_BYTES);
      putNumber(value, 0, state.acked);
      value.set(state.ackedHash, 6);
      return { kind: 'put', key: ackKey(state.lane), value };
    });
    this.#unsaved.clear();
    return ops;
  }

  cancelSave(): void {
    this.#cancelSave?.();
    this.#cancelSave = undefined;
  }

  #advance(state: LaneState, place: ChainPlace, passed: HoleSums): void {
    if (place.seq <= state.acked) return;
    state.acked = place.seq;
    state.ackedHash = place.hash.slice();
    state.ackedBytes = place.bytesThrough;
    const { count, entries, bytes } = state.pendingHoles;
    state.pendingHoles = {
      count: count - passed.count,
      entries: entries - passed.entries,
      bytes: bytes - passed.bytes,
    };
    this.#unsaved.add(state);
    this.#cancelSave ??= this.#parts.clock.wakeIn(ACK_SAVE_MS, () => {
      this.#cancelSave = undefined;
      void this.#parts.save().catch(() => {});
    });
    this.#parts.onChange();
  }
}
