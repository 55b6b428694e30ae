import { readFile, rename, writeFile } from 'node:fs/promises';
import { laneIndex, lanes, type Lane, type PerLane, type Store } from '@holdfast/protocol';
import { laneRange, seqOfEntryKey } from '../core/keys.ts';

/**
 * How far each lane had come when that was noted last, in `store.heads`, beside the store: at a
 * start, a while after a commit, at an orderly end. A store that has less has lost its end, which
 * nothing inside it can tell.
 *
 * Not synced, and of no use when it is torn: it is never ahead of what the store has durably.
 */
interface Heads {
  readonly epoch: number;
  readonly heads: PerLane<number>;
}

export async function writeHeads(storeDir: string, epoch: number, store: Store): Promise<void> {
  const [urgent, normal, bulk] = await Promise.all(lanes.map((lane) => headOf(store, lane)));
  const known: Heads = { epoch, heads: [urgent ?? 0, normal ?? 0, bulk ?? 0] };
  const side = `${headsPath(storeDir)}.new`;
  try {
    await writeFile(side, JSON.stringify(known), { mode: 0o600 });
    await rename(side, headsPath(storeDir));
  } catch {
    // A full disk is no reason not to start: older heads are as true, and tell less.
  }
}

/** Zeros where nothing is known of that epoch. */
export async function readHeads(storeDir: string, epoch: number): Promise<PerLane<number>> {
  const known = await readKnown(storeDir);
  return known?.epoch === epoch ? known.heads : [0, 0, 0];
}

/** The last epoch that was open here; 0: nothing tells. */
export async function lastEpoch(storeDir: string): Promise<number> {
  return (await readKnown(storeDir))?.epoch ?? 0;
}

async function readKnown(storeDir: string): Promise<Heads | undefined> {
  try {
    // Written by `writeHeads`; all else is not taken.
    const known = JSON.parse(await readFile(headsPath(storeDir), 'utf8')) as Partial<Heads>;
    const { epoch = 0, heads: [urgent = -1, normal = -1, bulk = -1] = [] } = known;
    const isKnown = [epoch, urgent, normal, bulk].every((n) => Number.isSafeInteger(n) && n >= 0);
    return isKnown ? { epoch, heads: [urgent, normal, bulk] } : undefined;
  } catch {
    return undefined;
  }
}

/** A lane that has less than it had. */
export async function shortLane(store: Store, heads: PerLane<number>): Promise<Lane | undefined> {
  for (const lane of lanes) {
    if ((await headOf(store, lane)) < heads[laneIndex(lane)]) return lane;
  }
  return undefined;
}

async function headOf(store: Store, lane: Lane): Promise<number> {
  const [last] = await store.scan({ ...laneRange(lane), limit: 1, reverse: true });
  return last === undefined ? 0 : seqOfEntryKey(last.key);
}

const headsPath = (storeDir: string): string => `${storeDir}.heads`;
