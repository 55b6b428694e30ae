import type { Block } from '../ledger-block.ts';

/** Consecutive entries of a block that go. */
export interface CutRange {
  readonly seqFirst: number;
  readonly seqLast: number;
  /** The chain's hashes before and at the end of them: what stays proves that nothing else went. */
  readonly previousHash: Uint8Array;
  readonly hash: Uint8Array;
  readonly bytes: number;
  /** Their places in the block. */
  readonly from: number;
  readonly to: number;
}

export interface CutBlock {
  /** What stays, as blocks of their own. */
  readonly kept: readonly { readonly seqFirst: number; readonly block: Block }[];
  readonly gone: readonly CutRange[];
}

/** Takes entries out of a block; each range of what goes, and of what stays, is whole. */
export function cutBlock(seqFirst: number, block: Block, isGone: readonly boolean[]): CutBlock {
  const kept: { seqFirst: number; block: Block }[] = [];
  const gone: CutRange[] = [];
  const { entries, receivedAtMs } = block;
  for (let from = 0, to = 0; from < entries.length; from = to) {
    to = from + 1;
    while (to < entries.length && isGone[to] === isGone[from]) to += 1;
    const range = entries.slice(from, to);
    const previousHash = entries[from - 1]?.hash ?? block.previousHash;
    const first = seqFirst + from;
    if (isGone[from] === true) {
      const bytes = range.reduce((sum, entry) => sum + entry.bytes.byteLength, 0);
      const hash = range.at(-1)?.hash ?? previousHash;
      const seqLast = first + range.length - 1;
      gone.push({ seqFirst: first, seqLast, previousHash, hash, bytes, from, to });
    } else {
      kept.push({ seqFirst: first, block: { receivedAtMs, previousHash, entries: range } });
    }
  }
  return { kept, gone };
}
