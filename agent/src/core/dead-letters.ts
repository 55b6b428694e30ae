import {
  HoldfastError,
  decodeEntry,
  lanes,
  type HoleReason,
  type Lane,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import type { ChainPlace } from './chain-place.ts';
import { parseStored } from './entry-row.ts';
import { decodeHole, encodeHole, type StoredHole } from './hole-rows.ts';
import { deadKey, entryKey, seqOfEntryKey, tableRange } from './keys.ts';

/** An entry that no peer takes: the ledger is told of a hole, and the entry stays here. */
export interface DeadLetter {
  readonly lane: Lane;
  readonly seq: number;
  readonly bytes: number;
  readonly reason: HoleReason;
}

/** More than that are not looked after: each was sent three times, so there are never many. */
const DEAD_MAX = 100_000;

/**
 * The entries of a journal that cannot be sent. Nothing of them changes, but for what the uplink
 * reads in their place.
 */
export class DeadLetters {
  readonly #store: Store;
  readonly #holes = new Map<string, StoredHole>();

  private constructor(store: Store) {
    this.#store = store;
  }

  static async open(store: Store): Promise<DeadLetters> {
    const letters = new DeadLetters(store);
    for (const { key, value } of await store.scan({ ...tableRange('d'), limit: DEAD_MAX })) {
      const lane = lanes[key[1] ?? 0] ?? 'normal';
      letters.#holes.set(nameOf(lane, seqOfEntryKey(key)), decodeHole(lane, value));
    }
    return letters;
  }

  list(): readonly DeadLetter[] {
    return [...this.#holes.values()].map(({ lane, seqFirst: seq, bytes, reason }) => {
      return { lane, seq, bytes, reason };
    });
  }

  /** What is to be declared in the place of this entry; `undefined`: it is sent. */
  at(lane: Lane, seq: number): StoredHole | undefined {
    return this.#holes.size === 0 ? undefined : this.#holes.get(nameOf(lane, seq));
  }

  /** How many entries from `seq` on can be sent before one that cannot. */
  before(lane: Lane, seq: number, count: number): number {
    if (this.#holes.size === 0) return count;
    const seqs = [...this.#holes.values()].filter((hole) => hole.lane === lane);
    return Math.min(count, ...seqs.map(({ seqFirst }) => seqFirst - seq).filter((at) => at >= 0));
  }

  /**
   * Has a hole take the place of an entry on its way to the ledger, once `commit` has made that
   * durable.
   *
   * @param letter Where the chain stands before it and at it, too.
   * @throws HF_ENTRY_DAMAGED when the entry is not there.
   */
  async add(
    letter: Omit<DeadLetter, 'bytes'> & ChainPlace & { readonly previousHash: Uint8Array },
    commit: (ops: readonly StoreOp[]) => Promise<unknown>,
  ): Promise<void> {
    const { lane, seq, reason, previousHash, hash, bytesThrough } = letter;
    const value = await this.#store.get(entryKey(lane, seq));
    if (value === undefined) {
      throw new HoldfastError('HF_ENTRY_DAMAGED', { why: `entry ${seq} of ${lane} is gone` });
    }
    const { bytes } = parseStored(seq, value);
    const atMs = timeOf(bytes);
    const hole: StoredHole = {
      ...{ lane, seqFirst: seq, seqLast: seq, reason, bytes: bytes.byteLength, bytesThrough },
      ...{ previousHash: previousHash.slice(), hash: hash.slice() },
      ...{ firstAtMs: atMs, lastAtMs: atMs },
    };
    await commit([{ kind: 'put', key: deadKey(lane, seq), value: encodeHole(hole) }]);
    this.#holes.set(nameOf(lane, seq), hole);
  }

  /** The chain is another one at an entry. @returns The row that says so, if it is one of these. */
  rechain(lane: Lane, previousHash: Uint8Array, place: ChainPlace): readonly StoreOp[] {
    const known = this.at(lane, place.seq);
    if (known === undefined) return [];
    const { hash, bytesThrough } = place;
    const hole = { ...known, previousHash: previousHash.slice(), hash: hash.slice(), bytesThrough };
    this.#holes.set(nameOf(lane, place.seq), hole);
    return [{ kind: 'put', key: deadKey(lane, place.seq), value: encodeHole(hole) }];
  }

  /** Forgets those whose entries are about to be deleted. @returns The rows that go with them. */
  forget(lane: Lane, seqs: readonly number[]): readonly StoreOp[] {
    if (this.#holes.size === 0) return [];
    const gone = seqs.filter((seq) => this.#holes.delete(nameOf(lane, seq)));
    return gone.map((seq) => ({ kind: 'delete', key: deadKey(lane, seq) }));
  }
}

function nameOf(lane: Lane, seq: number): string {
  return `${lane}/${seq}`;
}

/** 0: it cannot be read. */
function timeOf(bytes: Uint8Array): number {
  try {
    return decodeEntry(bytes).atMs;
  } catch {
    return 0;
  }
}
