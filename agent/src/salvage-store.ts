import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { HoldfastError, lanes, type Lane, type Store } from '@holdfast/protocol';
import { entryLine, type EntryLine } from './core/entry-line.ts';
import { ackKey } from './core/keys.ts';
import type { LostRange } from './core/salvage.ts';
import { intactEntries, type LaneRead } from './core/salvage-lane.ts';
import { collectRows, type CollectedRows } from './core/salvage-rows.ts';
import { numberOf } from './core/salvage-runs.ts';
import { encryptedStore, openedRows } from './io/encrypted-store.ts';
import { createStore } from './io/level-store.ts';
import { sha256 } from './io/sha256.ts';
import type { StoreCipher } from './io/store-cipher.ts';
import { cipherOfText, readStoreKey, userKeyOf } from './io/store-key.ts';
import { findMark } from './io/store-place.ts';
import { storeRows } from './io/store-rows.ts';
import { exists, isDirectory, ownKey } from './io/store-swap.ts';

/** What `holdfast store salvage` could read. */
export interface StoreSalvageView {
  readonly schema: 'holdfast.store-salvage/1';
  /** The directory that was read; absolute. */
  readonly storeDir: string;
  /** `null`: nothing in it says whose it is. */
  readonly device: string | null;
  readonly epoch: number | null;
  /** That were told. */
  readonly entries: number;
  /** Entries that are there and are not what was journaled. */
  readonly changed: readonly LostRange[];
  /** Entries that are not there, and that the ledger is not known to have. */
  readonly missing: readonly LostRange[];
  readonly damagedFiles: readonly string[];
}

export interface SalvageReading {
  /** For a store that is encrypted. */
  readonly storeKey?: string | Uint8Array | undefined;
  /** Where it sorts what it reads; takes as much room as the store. Default: the system's. */
  readonly workDir?: string | undefined;
}

/**
 * Tells every entry that can be read of a store, whatever has happened to it, lane by lane, in
 * order. Reads its files without LevelDB and changes nothing.
 *
 * @param dir A data directory, or a store, such as one that was moved aside.
 * @throws HF_DATA_DIR_MISSING when it is neither, HF_STORE_KEY, HF_STORE_FORMAT for a newer one.
 */
export async function salvageReading(
  dir: string,
  { storeKey, workDir = tmpdir() }: SalvageReading,
  tell: (line: EntryLine) => void,
): Promise<StoreSalvageView> {
  const storeDir = await storeDirOf(dir);
  const mark = await findMark(storeDir);
  const cipher = cipherOf(storeDir, storeKey);
  const work = await mkdtemp(join(workDir, 'holdfast-salvage-'));
  const scratch = encryptedStore(await createStore(join(work, 'store'), []), cipher);
  try {
    const collected = await collectRows(openedRows(storeRows(storeDir), cipher), scratch);
    const { device = null, epoch = null } = mark ?? {};
    const reader = new Reader({ scratch, collected, device, epoch }, tell);
    for (const lane of lanes) await reader.lane(lane);
    const schema = 'holdfast.store-salvage/1';
    const { damagedFiles } = collected;
    return { schema, storeDir, device, epoch, ...reader.found, damagedFiles };
  } finally {
    await scratch.close();
    await rm(work, { recursive: true, force: true });
  }
}

interface ReaderParts {
  readonly scratch: Store;
  readonly collected: CollectedRows;
  readonly device: string | null;
  readonly epoch: number | null;
}

class Reader {
  readonly found = { entries: 0, changed: [] as LostRange[], missing: [] as LostRange[] };
  readonly #parts: ReaderParts;
  readonly #tell: (line: EntryLine) => void;

  constructor(parts: ReaderParts, tell: (line: EntryLine) => void) {
    this.#parts = parts;
    this.#tell = tell;
  }

  async lane(lane: Lane): Promise<void> {
    const { scratch, collected, device, epoch } = this.#parts;
    const acked = numberOf(collected.others, ackKey(lane));
    const read: LaneRead = { seqMax: 0, changed: [] };
    const told: number[] = [];
    for await (const { seq, bytes } of intactEntries(scratch, lane, { sha256, read })) {
      this.#tell(entryLine({ device, epoch, acked }, lane, { seq, bytes }));
      told.push(seq);
    }
    this.found.entries += told.length;
    this.found.changed.push(...rangesOf(lane, read.changed));
    const there = [...told, ...read.changed].filter((seq) => seq > acked);
    const ranges = rangesOf(lane, [acked, ...there.toSorted((a, b) => a - b)]);
    this.found.missing.push(...gapsBetween(ranges));
  }
}

/** What lies between one range and the next. */
function gapsBetween(ranges: readonly LostRange[]): LostRange[] {
  return ranges.slice(1).map(({ lane, first }, index) => {
    return { lane, first: (ranges[index]?.last ?? 0) + 1, last: first - 1 };
  });
}

function rangesOf(lane: Lane, seqs: readonly number[]): LostRange[] {
  const ranges: { lane: Lane; first: number; last: number }[] = [];
  for (const seq of seqs) {
    const range = ranges.at(-1);
    if (range?.last === seq - 1) range.last = seq;
    else ranges.push({ lane, first: seq, last: seq });
  }
  return ranges;
}

async function storeDirOf(dir: string): Promise<string> {
  const path = resolve(dir);
  const storeDir = (await exists(join(path, 'store'))) ? join(path, 'store') : path;
  if (await isDirectory(storeDir)) return storeDir;
  throw new HoldfastError('HF_DATA_DIR_MISSING', { why: `${path} is not a directory` });
}

/** A store that was moved aside opens with the key beside it, unless it has one inside. */
function cipherOf(
  storeDir: string,
  source: string | Uint8Array | undefined,
): StoreCipher | undefined {
  const text = ownKey(storeDir) ?? readStoreKey(dirname(storeDir)) ?? '';
  return text === '' ? undefined : cipherOfText(text, userKeyOf(source));
}
