import {
  encodeWith,
  batchEntries,
  seal,
  type BatchItem,
  type Hole,
  type Lane,
  type Message,
  type Signer,
} from '@holdfast/protocol';

/**
 * Raw deflate (RFC 1951) of at most 512 KiB; `undefined` when it would not pay.
 */
export type Deflate = (bytes: Uint8Array) => Deflated | Promise<Deflated>;
type Deflated = Uint8Array | undefined;

export interface BatchSource {
  readonly epoch: number;
  readonly lane: Lane;
  readonly seqFirst: number;
  readonly previousHash: Uint8Array;
  /** At least one. */
  readonly entries: readonly BatchItem[];
  /** The chain's hash at the one at an index. */
  readonly hashAt: (index: number) => Uint8Array;
}

export interface PackPorts {
  readonly device: string;
  readonly signer: Signer;
  readonly deflate: Deflate;
}

export interface PackedBatch {
  readonly bytes: Uint8Array;
  readonly count: number;
  readonly entryBytes: number;
}

/** Makes the message that declares a hole, which covers `seqFirst`. */
export function packHole(hole: Hole, seqFirst: number, ports: PackPorts): PackedBatch {
  return {
    bytes: seal(ports.device, { kind: 'hole', ...hole }, ports.signer),
    count: hole.seqLast - seqFirst + 1,
    entryBytes: 0,
  };
}

/** What a sealed batch has around its payload: its other fields, the frame, the signature. */
const FRAME_BYTES_MAX = 288;

/**
 * Makes the message that carries the entries, or as many of the first of them as fit; one entry is
 * always taken.
 *
 * @throws HF_MESSAGE_TOO_LARGE when one entry alone exceeds what a message may be.
 */
export async function packBatch(
  source: BatchSource,
  messageBytesMax: number,
  ports: PackPorts,
): Promise<PackedBatch> {
  let entries = source.entries;
  for (;;) {
    const plain = encodeWith(batchEntries, entries);
    const deflated = await ports.deflate(plain);
    const payload = deflated ?? plain;
    const room = messageBytesMax - FRAME_BYTES_MAX;
    if (payload.length > room && entries.length > 1) {
      // A tenth less than the proportion says, since fewer entries compress less well.
      const fits = Math.floor((entries.length * room * 0.9) / payload.length);
      entries = entries.slice(0, Math.max(1, Math.min(fits, entries.length - 1)));
      continue;
    }
    const message: Message = {
      kind: 'batch',
      epoch: source.epoch,
      lane: source.lane,
      seqFirst: source.seqFirst,
      count: entries.length,
      previousHash: source.previousHash,
      encoding: deflated === undefined ? 'plain' : 'deflate',
      plainBytes: plain.length,
      payload,
      hash: source.hashAt(entries.length - 1),
    };
    return {
      bytes: seal(ports.device, message, ports.signer),
      count: entries.length,
      entryBytes: entries.reduce((sum, item) => sum + sizeOf(item), 0),
    };
  }
}

function sizeOf(item: BatchItem): number {
  if (item instanceof Uint8Array) return item.length;
  return item.entry.length + item.content.length;
}
