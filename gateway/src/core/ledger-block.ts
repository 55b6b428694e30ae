import { HASH_BYTES, HoldfastError } from '@holdfast/protocol';

/**
 * The stored form of consecutive entries that arrived together:
 *
 *   receivedAtMs u64 · hash before the first entry · count u32 ·
 *   count × (length u32 · hash of the chain at the entry · bytes)
 *
 * One row a batch and not one an entry: LevelDB takes about three times as many entries this way.
 */
export interface Block {
  readonly receivedAtMs: number;
  readonly previousHash: Uint8Array;
  readonly entries: readonly BlockEntry[];
}

export interface BlockEntry {
  /** The chain's hash at this entry. */
  readonly hash: Uint8Array;
  readonly bytes: Uint8Array;
}

const HEAD_BYTES = 8 + HASH_BYTES + 4;
const ENTRY_HEAD_BYTES = 4 + HASH_BYTES;

export function encodeBlock(block: Block): Uint8Array {
  const size = block.entries.reduce(
    (sum, entry) => sum + ENTRY_HEAD_BYTES + entry.bytes.length,
    HEAD_BYTES,
  );
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  view.setUint32(0, Math.floor(block.receivedAtMs / 2 ** 32));
  view.setUint32(4, block.receivedAtMs % 2 ** 32);
  bytes.set(block.previousHash, 8);
  view.setUint32(8 + HASH_BYTES, block.entries.length);
  let at = HEAD_BYTES;
  for (const entry of block.entries) {
    view.setUint32(at, entry.bytes.length);
    bytes.set(entry.hash, at + 4);
    bytes.set(entry.bytes, at + ENTRY_HEAD_BYTES);
    at += ENTRY_HEAD_BYTES + entry.bytes.length;
  }
  return bytes;
}

/**
 * Hashes and bytes in the result are views of `bytes`.
 *
 * @throws HF_ENTRY_DAMAGED when the lengths in it do not add up.
 */
export function decodeBlock(bytes: Uint8Array): Block {
  if (bytes.length < HEAD_BYTES) throw damaged('a block is cut short');
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const count = view.getUint32(8 + HASH_BYTES);
  const entries: BlockEntry[] = [];
  let at = HEAD_BYTES;
  for (let index = 0; index < count; index += 1) {
    const from = at + ENTRY_HEAD_BYTES;
    if (from > bytes.length) throw damaged('a block is cut short');
    const end = from + view.getUint32(at);
    if (end > bytes.length) throw damaged('a block is cut short');
    entries.push(new StoredBlockEntry(bytes, at, end));
    at = end;
  }
  if (at !== bytes.length) throw damaged('a block has bytes behind its end');
  return {
    receivedAtMs: view.getUint32(0) * 2 ** 32 + view.getUint32(4),
    previousHash: bytes.subarray(8, 8 + HASH_BYTES),
    entries,
  };
}

/** An entry where it lies: a view of it is made once it is looked at. */
class StoredBlockEntry implements BlockEntry {
  readonly #block: Uint8Array;
  readonly #at: number;
  readonly #end: number;

  constructor(block: Uint8Array, at: number, end: number) {
    this.#block = block;
    this.#at = at;
    this.#end = end;
  }

  get hash(): Uint8Array {
    return this.#block.subarray(this.#at + 4, this.#at + ENTRY_HEAD_BYTES);
  }

  get bytes(): Uint8Array {
    return this.#block.subarray(this.#at + ENTRY_HEAD_BYTES, this.#end);
  }
}

function damaged(why: string): HoldfastError {
  return new HoldfastError('HF_ENTRY_DAMAGED', { why });
}
