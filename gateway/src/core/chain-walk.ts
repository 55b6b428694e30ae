import {
  chainNext,
  chainStart,
  equalBytes,
  mayHoldSealed,
  messageOf,
  type SealedValue,
  type Sha256,
} from '@holdfast/protocol';
import { readEntry } from './ingest.ts';
import { decodeBlock, type Block } from './ledger-block.ts';
import { erasableIn } from './ledger-contents.ts';
import type { Chain } from './ledger-keys.ts';
import type { LanePosition, VerifyReport } from './ledger.ts';

export type Fault = VerifyReport['faults'][number];

/** An entry whose value is erasable. */
export interface SealedPlace extends Chain {
  readonly seq: number;
  readonly sealed: SealedValue;
}

/** Follows one chain, block by block, and notes what does not belong to it. */
export class ChainWalk {
  readonly chain: Chain;
  readonly #sha256: Sha256;
  readonly #atStart: LanePosition | undefined;
  readonly #faults: Fault[] = [];
  #seq = 0;
  #hash: Uint8Array;
  #hashAtStart: Uint8Array | undefined;
  #entries = 0;
  readonly #sealed: SealedPlace[] = [];

  /** @param atStart The lane's position before the first block was read. */
  constructor(chain: Chain, sha256: Sha256, atStart: LanePosition | undefined) {
    this.chain = chain;
    this.#sha256 = sha256;
    this.#atStart = atStart;
    this.#hash = chainStart(sha256, chain);
  }

  get entries(): number {
    return this.#entries;
  }

  /** The seq that has to come next. */
  get seqNext(): number {
    return this.#seq + 1;
  }

  /** Takes a hole that begins at `seqNext`. */
  hole(hole: {
    readonly seqFirst: number;
    readonly seqLast: number;
    readonly previousHash: Uint8Array;
    readonly hash: Uint8Array;
  }): void {
    if (!this.#join(hole.seqFirst, hole.previousHash)) return;
    this.#hash = hole.hash;
    this.#seq = hole.seqLast;
    if (this.#seq === this.#atStart?.watermark) this.#hashAtStart = hole.hash;
  }

  /** Takes the next block in the order of the keys. */
  block(seqFirst: number, stored: Uint8Array): void {
    let block: Block;
    try {
      block = decodeBlock(stored);
    } catch (error) {
      this.#fault(seqFirst, messageOf(error));
      return;
    }
    if (!this.#join(seqFirst, block.previousHash)) return;
    for (const [index, { hash, bytes }] of block.entries.entries()) {
      const seq = seqFirst + index;
      if (!equalBytes(chainNext(this.#sha256, this.#hash, bytes), hash)) {
        this.#fault(seq, 'is not the entry that was journaled: its hash differs');
      }
      this.#hash = hash;
      this.#seq = seq;
      this.#entries += 1;
      if (seq === this.#atStart?.watermark) this.#hashAtStart = hash;
      this.#note(seq, bytes);
    }
  }

  /** Erasable values of the entries since this was asked last. */
  takeSealed(): readonly SealedPlace[] {
    return this.#sealed.splice(0);
  }

  /** Says what is wrong with the content of an erasable value. */
  content({ seq }: SealedPlace, why: string): void {
    this.#fault(seq, why);
  }

  #note(seq: number, bytes: Uint8Array): void {
    if (!mayHoldSealed(bytes)) return;
    const entry = readEntry(bytes);
    const sealed = entry && erasableIn(entry);
    if (sealed !== undefined) this.#sealed.push({ ...this.chain, seq, sealed });
  }

  /** `false`: the block has no place in the chain. */
  #join(seqFirst: number, previousHash: Uint8Array): boolean {
    const expected = this.#seq + 1;
    if (seqFirst < expected) {
      this.#fault(seqFirst, 'is there twice');
      return false;
    }
    if (seqFirst > expected) this.#missing(expected, seqFirst - 1);
    else if (!equalBytes(this.#hash, previousHash)) {
      this.#fault(seqFirst, 'does not follow from the entry before it');
    }
    this.#hash = previousHash;
    return true;
  }

  /** @param atEnd The lane's position after the last block was read. */
  end(atEnd: LanePosition | undefined): readonly Fault[] {
    const start = this.#atStart;
    if (atEnd === undefined) {
      this.#fault(this.#seq, 'is of a lane that the ledger knows nothing of');
      return this.#faults;
    }
    if (start !== undefined && this.#seq < start.watermark) {
      this.#missing(this.#seq + 1, start.watermark);
    } else if (this.#seq > atEnd.watermark) {
      this.#fault(atEnd.watermark + 1, 'is beyond the watermark');
    }
    const hash = this.#hashAtStart;
    if (start !== undefined && hash !== undefined && !equalBytes(hash, start.hash)) {
      this.#fault(start.watermark, 'is not the entry that the watermark was set for');
    }
    return this.#faults;
  }

  #missing(first: number, last: number): void {
    this.#fault(first, first === last ? 'is missing' : `is missing, and all through ${last}`);
  }

  #fault(seq: number, why: string): void {
    this.#faults.push({ ...this.chain, seq, why });
  }
}
