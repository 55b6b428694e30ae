import { isContentOf, type OnProgress, type Sha256, type StoreRow } from '@holdfast/protocol';
import { ChainWalk, type Fault } from './chain-walk.ts';
import { contentsAt, type ContentCounts } from './ledger-contents.ts';
import {
  behind,
  holeKey,
  parseChainKey,
  positionKey,
  prefixOf,
  type Chain,
} from './ledger-keys.ts';
import { holeRow, positionRow } from './ledger-rows.ts';
import type { Reads } from './ledger-store.ts';
import type { LanePosition, VerifyReport } from './ledger.ts';

/** Rows in memory at a time; a block has up to 560 KiB. */
const BLOCKS_MAX = 16;
const POSITIONS_MAX = 1_024;

interface KnownLane {
  readonly chain: Chain;
  readonly position: LanePosition | undefined;
}

/**
 * Recomputes every chain from its start to its watermark. It knows a lane by the position that was
 * committed with its last block, so that blocks that are gone from the end are missed too.
 *
 * @param progress Told how far it is, in places of entries, and of how many.
 */
export async function verifyLedger(
  store: Reads,
  sha256: Sha256,
  progress: OnProgress,
): Promise<VerifyReport> {
  const unseen = await readLanes(store);
  const lanes = unseen.size;
  const watermarks = [...unseen.values()].map(({ position }) => position?.watermark ?? 0);
  const total = watermarks.reduce((sum, each) => sum + each, 0);
  let passed = 0;
  const faults: Fault[] = [];
  let entries = 0;
  const holes = { count: 0, entries: 0 };
  let pruned = 0;
  const contents: ContentCounts = { held: 0, absent: 0, erased: 0 };
  const takeHoles = async (walk: ChainWalk, before: number): Promise<void> => {
    while (walk.seqNext < before) {
      const key = holeKey(walk.chain, walk.seqNext);
      const found = decodeHole(await store.get(key));
      if (found === undefined) return;
      walk.hole(found);
      const lost = found.seqLast - found.seqFirst + 1;
      if (found.reason === 'retention') pruned += lost;
      else {
        holes.count += 1;
        holes.entries += lost;
      }
    }
  };
  const end = async (walk: ChainWalk | undefined): Promise<void> => {
    if (walk === undefined) return;
    // Holes behind the last block.
    await takeHoles(walk, Number.MAX_SAFE_INTEGER);
    entries += walk.entries;
    passed += walk.seqNext - 1;
    progress(passed, total);
    faults.push(...walk.end(decodePosition(await store.get(positionKey(walk.chain)))));
  };

  let walk: ChainWalk | undefined;
  for await (const { key, value } of rowsOf(store, prefixOf('block'), BLOCKS_MAX)) {
    const at = parseChainKey(key);
    if (at === undefined) continue;
    const name = nameOf(at.chain);
    if (walk === undefined || nameOf(walk.chain) !== name) {
      await end(walk);
      walk = new ChainWalk(at.chain, sha256, unseen.get(name)?.position);
      unseen.delete(name);
    }
    await takeHoles(walk, at.seqFirst);
    walk.block(at.seqFirst, value);
    progress(passed + walk.seqNext - 1, total);
    await checkContents({ store, sha256, walk, counts: contents });
  }
  await end(walk);
  for (const { chain, position } of unseen.values()) {
    await end(new ChainWalk(chain, sha256, position));
  }
  return { entries, lanes, holes, pruned, contents, faults };
}

/** Holds the contents of erasable values against what was journaled. */
async function checkContents(check: {
  readonly store: Reads;
  readonly sha256: Sha256;
  readonly walk: ChainWalk;
  readonly counts: ContentCounts;
}): Promise<void> {
  const { store, sha256, walk, counts } = check;
  const places = walk.takeSealed();
  const rows = await contentsAt(store, places);
  places.forEach((place, index) => {
    const row = rows[index];
    if (row === undefined) {
      walk.content(place, 'has lost the content of its value, and nothing says why');
      return;
    }
    counts[row.state] += 1;
    if (row.state !== 'held' || isContentOf(sha256, place.sealed, row)) return;
    walk.content(place, 'has another content of its value than was journaled');
  });
}

async function readLanes(store: Reads): Promise<Map<string, KnownLane>> {
  const lanes = new Map<string, KnownLane>();
  for await (const { key, value } of rowsOf(store, prefixOf('position'), POSITIONS_MAX)) {
    const chain = parseChainKey(key)?.chain;
    if (chain === undefined) continue;
    lanes.set(nameOf(chain), { chain, position: decodePosition(value) });
  }
  return lanes;
}

function nameOf(chain: Chain): string {
  return `${chain.device}/${chain.epoch}/${chain.lane}`;
}

function decodePosition(stored: Uint8Array | undefined): LanePosition | undefined {
  try {
    return stored === undefined ? undefined : positionRow.decode(stored);
  } catch {
    return undefined;
  }
}

/** A hole that cannot be read is none: what it took the place of is missing then. */
function decodeHole(stored: Uint8Array | undefined) {
  try {
    return stored === undefined ? undefined : holeRow.decode(stored);
  } catch {
    return undefined;
  }
}

/** All rows whose keys begin with `prefix`, in order, `limit` of them in memory at a time. */
export async function* rowsOf(
  store: Reads,
  prefix: Uint8Array,
  limit: number,
): AsyncGenerator<StoreRow, void> {
  const to = behind(prefix);
  let from = prefix;
  for (;;) {
    const rows = await store.scan({ from, to, limit });
    yield* rows;
    const last = rows.at(-1);
    if (last === undefined || rows.length < limit) return;
    from = Uint8Array.of(...last.key, 0);
  }
}
