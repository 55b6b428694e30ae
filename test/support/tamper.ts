import { join } from 'node:path';
import { Level } from 'level';
import {
  ackKey,
  getNumber,
  laneRange,
  parseStored,
  putNumber,
  seqOfEntryKey,
  sha256,
  storedEntry,
} from '@holdfast/agent/internal';
import {
  blockKey,
  blocksOf,
  behind,
  decodeBlock,
  encodeBlock,
  ordinalOf,
  positionKey,
  positionRow,
  type Chain,
} from '@holdfast/gateway/internal';
import { chainNext, chainStart, decodeEntry, encodeEntry, type Lane } from '@holdfast/protocol';

/** An entry as one side keeps it: its bytes, and the hash that is stored with them. */
export interface Kept {
  readonly bytes: Uint8Array;
  readonly hash: Uint8Array;
  /** On a device: in whose history it is. */
  readonly run?: number;
}

/** Does something to the entries of a lane, the first of which is 1. */
export type Tampering = (entries: readonly Kept[]) => readonly Kept[];

/** The seq that each of them is about. */
export const TAMPERED = 3;

function changed(entry: Kept): Kept {
  const said = decodeEntry(entry.bytes);
  return { ...entry, bytes: encodeEntry({ ...said, atMs: said.atMs + 1 }) };
}

/** What can be done to stored entries without making hashes anew. */
export const tamperings: Readonly<Record<string, Tampering>> = {
  changed: (all) => all.map((entry, at) => (at === TAMPERED - 1 ? changed(entry) : entry)),
  dropped: (all) => all.filter((_, at) => at !== TAMPERED - 1),
  inserted: (all) => all.toSpliced(TAMPERED - 1, 0, changed(all[0] ?? nothing)),
  reordered: (all) =>
    all.toSpliced(TAMPERED - 1, 2, all[TAMPERED] ?? nothing, all[TAMPERED - 1] ?? nothing),
};

const nothing: Kept = { bytes: new Uint8Array(0), hash: new Uint8Array(32) };

/** Changes an entry, and makes every hash from there on anew. */
export function rewritten(chain: Chain): Tampering {
  return (all) => {
    let hash = chainStart(sha256, chain);
    return all.map((entry, at) => {
      const { bytes } = at === TAMPERED - 1 ? changed(entry) : entry;
      hash = chainNext(sha256, hash, bytes);
      return { ...entry, bytes, hash };
    });
  };
}

async function withLevel<T>(dir: string, use: (db: Rows) => Promise<T>): Promise<T> {
  const views = { keyEncoding: 'view', valueEncoding: 'view' } as const;
  const db = new Level<Uint8Array, Uint8Array>(dir, views);
  try {
    await db.open();
    return await use(db);
  } finally {
    await db.close();
  }
}

type Rows = Level<Uint8Array, Uint8Array>;

async function rowsOf(db: Rows, range: { readonly from: Uint8Array; readonly to: Uint8Array }) {
  return db.iterator({ gte: range.from, lt: range.to }).all();
}

/**
 * Tampers with the store of a device whose agent does not run.
 *
 * @param options.acked Set what the store has of the ledger's acknowledgement to what is there now.
 */
export async function tamperWithStore(
  dataDir: string,
  lane: Lane,
  options: { readonly tampering: Tampering; readonly acked?: boolean },
): Promise<void> {
  await withLevel(join(dataDir, 'store'), async (db) => {
    const rows = await rowsOf(db, laneRange(lane));
    const all = rows.map(([key, value]) => {
      const { bytes, run, row, anchor } = parseStored(seqOfEntryKey(key), value);
      // Of most, a row has no more than the first two bytes.
      const hash = anchor?.hash ?? Uint8Array.of(...row.subarray(0, 2), ...new Uint8Array(30));
      return { bytes, run, hash };
    });
    let bytes = 0;
    const after = options.tampering(all);
    for (const [index, entry] of after.entries()) {
      bytes += entry.bytes.byteLength;
      const end = { ...entry, run: entry.run ?? 0, seq: index + 1, bytes, entry: entry.bytes };
      const op = storedEntry(lane, end);
      if (op.kind === 'put') await db.put(op.key, op.value);
    }
    for (const [key] of rows.slice(after.length)) await db.del(key);
    if (options.acked !== true) return;
    const ack = await db.get(ackKey(lane));
    if (ack === undefined) throw new Error('nothing was acknowledged');
    const acked = getNumber(ack, 0);
    const value = new Uint8Array(38);
    putNumber(value, 0, acked);
    value.set(after[acked - 1]?.hash ?? nothing.hash, 6);
    await db.put(ackKey(lane), value);
  });
}

/**
 * Tampers with the ledger of a gateway that does not run.
 *
 * @param options.position Set the lane's position to what is there now.
 */
export async function tamperWithLedger(
  dataDir: string,
  chain: Chain,
  options: { readonly tampering: Tampering; readonly position?: boolean },
): Promise<void> {
  await withLevel(join(dataDir, 'ledger'), async (db) => {
    const from = blocksOf(chain);
    const rows = await rowsOf(db, { from, to: behind(from) });
    const blocks = rows.map(([key, value]) => ({ key, ...decodeBlock(value) }));
    const all = blocks.flatMap(({ entries }) =>
      entries.map(({ hash, bytes }) => ({ hash, bytes })),
    );
    const first = blocks[0];
    if (first === undefined || ordinalOf(first.key) !== 1) throw new Error('it has no entries');
    for (const { key } of blocks) await db.del(key);
    const entries = options.tampering(all);
    await db.put(blockKey(chain, 1), encodeBlock({ ...first, entries }));
    if (options.position !== true) return;
    const hash = entries.at(-1)?.hash ?? nothing.hash;
    await db.put(positionKey(chain), positionRow.encode({ watermark: entries.length, hash }));
  });
}
