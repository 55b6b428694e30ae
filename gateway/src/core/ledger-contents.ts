import {
  ascii,
  NO_BYTES,
  encodeCbor,
  isContentOf,
  mayHoldSealed,
  readSealed,
  sealKindOf,
  valueIn,
  withValue,
  type CarriedEntry,
  type Entry,
  type SealedValue,
  type Sha256,
} from '@holdfast/protocol';
import { trueTime, type DeviceClocks, type Stamp } from './device-clock.ts';
import type { Draft } from './ledger-draft.ts';
import { contentKey, erasedKey, subjectKey, type Chain } from './ledger-keys.ts';
import { contentRow, erasedRow, type ContentRow } from './ledger-rows.ts';
import type { Reads } from './ledger-store.ts';
import type { ContentState } from './ledger.ts';

/** An entry of a batch whose value is erasable, and what came beside it. */
export interface ArrivedContent {
  /** Its place in the batch. */
  readonly index: number;
  /** When it was journaled: by the device's clocks, or as well as these are known. */
  readonly stamp: Stamp;
  /** `undefined`: nothing came, or not what was sealed. */
  readonly held: Held | undefined;
}

interface Held {
  readonly subject: Uint8Array;
  readonly salt: Uint8Array;
  readonly content: Uint8Array;
}

const SUBJECT_CONTEXT = 'holdfast/1/subject/';
const NO_HASH = new Uint8Array(32);

/** What the ledger knows a subject by: it never stores whom something is about. */
export function subjectHash(sha256: Sha256, subject: string): Uint8Array {
  return sha256(ascii(SUBJECT_CONTEXT), encodeCbor(subject));
}

/** The sealed value of an entry, if that is erasable. Bytes that are no sealed value are none. */
export function erasableIn(entry: Entry): SealedValue | undefined {
  const value = valueIn(entry);
  if (sealKindOf(value) !== 'erasable') return undefined;
  try {
    return readSealed(value);
  } catch {
    return undefined;
  }
}

/**
 * The erasable entries of a batch, with their contents. One that does not match its commitment
 * counts as none: the entry is taken all the same, since a lane must not stand still for it.
 */
export function arrivedContents(
  batch: {
    readonly entries: readonly Uint8Array[];
    readonly carried?: ReadonlyMap<number, CarriedEntry> | undefined;
    readonly mayHoldSealed?: boolean;
  },
  read: (bytes: Uint8Array, index: number) => Entry | undefined,
  sha256: Sha256,
): readonly ArrivedContent[] {
  if (batch.mayHoldSealed === false) return [];
  const found: ArrivedContent[] = [];
  for (const [index, bytes] of batch.entries.entries()) {
    const carried = batch.carried?.get(index);
    if (carried === undefined && !mayHoldSealed(bytes)) continue;
    const entry = read(bytes, index);
    const sealed = entry && erasableIn(entry);
    if (entry === undefined || sealed === undefined) continue;
    const { atMs, boot, monoMs } = entry;
    const stamp = { atMs, boot, monoMs };
    if (carried === undefined || !isContentOf(sha256, sealed, carried)) {
      found.push({ index, stamp, held: undefined });
      continue;
    }
    const { salt, content } = carried;
    const held = { subject: subjectHash(sha256, carried.subject), salt, content };
    found.push({ index, stamp, held });
  }
  return found;
}

/** The same by the true time, where that is known: a clock that is ahead brings nothing back. */
export function withTrueTimes(
  contents: readonly ArrivedContent[],
  clocks: DeviceClocks,
  receivedAtMs: number,
): readonly ArrivedContent[] {
  return contents.map((each) => {
    const { atMs } = trueTime(clocks, each.stamp, receivedAtMs);
    return { ...each, stamp: { ...each.stamp, atMs } };
  });
}

/** The rows that `takeContents` will read. */
export function contentReads(contents: readonly ArrivedContent[]): Uint8Array[] {
  return contents.flatMap(({ held }) => (held === undefined ? [] : [erasedKey(held.subject)]));
}

/** Keeps contents, but for those that were erased before they came. */
export function takeContents(
  draft: Draft,
  at: { readonly chain: Chain; readonly seqFirst: number },
  contents: readonly ArrivedContent[],
): void {
  for (const { index, stamp, held } of contents) {
    const place = { ...at.chain, seq: at.seqFirst + index };
    const put = (row: ContentRow) => draft.put(contentKey(place), contentRow.encode(row));
    if (held === undefined) {
      put({ ...nothing, state: 'absent' });
      continue;
    }
    const key = erasedKey(held.subject);
    const erased = draft.get(key, erasedRow);
    if (erased !== undefined && stamp.atMs <= erased.erasedAtMs) {
      put({ ...nothing, state: 'erased', erasedAtMs: erased.erasedAtMs });
      draft.put(key, erasedRow.encode({ ...erased, late: erased.late + 1 }));
      continue;
    }
    put({ state: 'held', ...held, erasedAtMs: 0 });
    draft.put(subjectKey(held.subject, place), NO_BYTES);
  }
}

/** A content row without a content. */
export const nothing = { subject: NO_HASH, salt: NO_HASH, content: NO_BYTES, erasedAtMs: 0 };

/** A place of an entry. */
export interface Place extends Chain {
  readonly seq: number;
}

/** The contents of erasable values by their places; `undefined`: there is no row. */
export async function contentsAt(
  store: Reads,
  places: readonly Place[],
): Promise<(ContentRow | undefined)[]> {
  if (places.length === 0) return [];
  const rows = await store.getMany(places.map(contentKey));
  return rows.map((row) => row && contentRow.decode(row));
}

/** Puts the contents of erasable values into what is read, where they are held. */
export async function openValues<T extends object>(
  store: Reads,
  items: readonly T[],
  of: {
    readonly value: (item: T) => Uint8Array;
    readonly place: (item: T) => Place;
    readonly withValue: (item: T, value: Uint8Array) => T;
  },
): Promise<readonly T[]> {
  const sealed = items.filter((item) => sealKindOf(of.value(item)) === 'erasable');
  const rows = await contentsAt(store, sealed.map(of.place));
  const found = new Map(sealed.map((item, index) => [item, rows[index]]));
  return items.map((item) => {
    const row = found.get(item);
    return row?.state === 'held' ? of.withValue(item, row.content) : item;
  });
}

/** Puts the contents of their erasable values into entries, where they are held. */
export async function openEntries<T extends Place & { readonly entry: Entry | undefined }>(
  store: Reads,
  entries: readonly T[],
): Promise<readonly T[]> {
  return openValues(store, entries, {
    value: ({ entry }) => (entry === undefined ? NO_BYTES : valueIn(entry)),
    place: (each) => each,
    withValue: (each, value) => ({ ...each, entry: each.entry && withValue(each.entry, value) }),
  });
}

/** How many contents are in which state. */
export type ContentCounts = Record<ContentState, number>;
