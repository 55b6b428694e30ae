import {
  SALT_BYTES,
  bytes,
  decodeWith,
  encodeWith,
  isContentOf,
  readSealed,
  record,
  sealKindOf,
  sealValue,
  text,
  valueIn,
  withValue,
  type CarriedEntry,
  type Chance,
  type Entry,
  type EntryBody,
  type Infer,
  type Lane,
  type Sha256,
  type SealKind,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import { carriedKey, keptKey } from './keys.ts';
import type { Seal } from './mark.ts';
import { wholeValue } from './value-parts.ts';

/** An entry with its value as it was given. `seal`: what of that leaves. */
export type OpenEntry = Entry & { readonly seal?: Seal | undefined };

export interface Place {
  readonly lane: Lane;
  readonly seq: number;
}

/** Longest content: a value fits into an entry. */
const CONTENT_BYTES_MAX = 64 * 1024;

const contentFields = record({
  salt: bytes(SALT_BYTES, true),
  /** The encoded value. */
  content: bytes(CONTENT_BYTES_MAX),
  /** Whom it is about; empty: nobody. */
  subject: text(128),
});
const bounds = { bytesMax: CONTENT_BYTES_MAX + 1_024, depthMax: 2, itemsMax: 8, path: 'content' };

/** What was sealed, and what proves that it was this. */
export type Content = Infer<typeof contentFields>;

/**
 * The rows of contents, beside the entry that has sealed them. `kept` never leaves; `carried` goes
 * with the entry to the ledger. A value that leaves redacted and can be erased has both: what is
 * carried is the redacted one, sealed a second time.
 */
export interface ContentRows {
  readonly kept?: Uint8Array | undefined;
  readonly carried?: Uint8Array | undefined;
}

/** A body as it is journaled, and what it has sealed. */
export interface SealedBody {
  readonly body: EntryBody;
  readonly contents: ContentRows;
}

/** Seals the value of an entry that is about to be journaled. */
export function sealBody(
  body: EntryBody,
  seal: Seal,
  ports: { readonly chance: Chance; readonly sha256: Sha256 },
): SealedBody {
  const { leaves, shown, subject = '' } = seal;
  const close = (kind: SealKind, content: Uint8Array) => {
    const salt = ports.chance.bytes(SALT_BYTES);
    const seen = kind === 'redacted' ? { shown } : {};
    const sealed = sealValue(ports.sha256, { kind, salt, content, ...seen });
    return { sealed, row: encodeWith(contentFields, { salt, content, subject }) };
  };
  const value = valueIn(body);
  if (leaves === 'all') {
    const { sealed, row } = close('erasable', value);
    return { body: withValue(body, sealed), contents: { carried: row } };
  }
  const inner = close(leaves === 'nothing' ? 'local' : 'redacted', value);
  if (leaves === 'nothing' || subject === '') {
    return { body: withValue(body, inner.sealed), contents: { kept: inner.row } };
  }
  const outer = close('erasable', inner.sealed);
  return {
    body: withValue(body, outer.sealed),
    contents: { kept: inner.row, carried: outer.row },
  };
}

export function putContents({ lane, seq }: Place, { kept, carried }: ContentRows): StoreOp[] {
  const ops: StoreOp[] = [];
  if (kept) ops.push({ kind: 'put', key: keptKey(lane, seq), value: kept });
  if (carried) ops.push({ kind: 'put', key: carriedKey(lane, seq), value: carried });
  return ops;
}

/** The keys under which an entry may have contents. */
export function contentKeys({ lane, seq }: Place): Uint8Array[] {
  return [keptKey(lane, seq), carriedKey(lane, seq)];
}

/** What there is beside the entries at these places. */
export async function contentsAt(store: Store, places: readonly Place[]): Promise<ContentRows[]> {
  const rows = await store.getMany(places.flatMap(contentKeys));
  return places.map((_, index) => ({ kept: rows[2 * index], carried: rows[2 * index + 1] }));
}

export function readContent(row: Uint8Array): Content {
  return decodeWith(contentFields, row, bounds);
}

/** Whom a value is about; empty: nobody. */
export function subjectOf({ kept, carried }: ContentRows): string {
  const row = carried ?? kept;
  return row === undefined ? '' : readContent(row).subject;
}

/** An entry as it travels, with the row of what is carried beside it. */
export function carriedEntry(entry: Uint8Array, row: Uint8Array): CarriedEntry {
  return { entry, ...readContent(row) };
}

/** Whether the value of an entry is sealed. */
export function isSealed(entry: Entry): boolean {
  return sealKindOf(valueIn(entry)) !== undefined;
}

/**
 * Opens entries: each sealed value is replaced by its content, and one in parts by the whole. One
 * whose content is gone stays as it is, and says so to whoever decodes it.
 *
 * @throws HF_ENTRY_DAMAGED when a part of a value is missing or changed.
 */
export async function openEntries<T extends Place>(
  ports: { readonly store: Store; readonly sha256: Sha256 },
  placed: readonly (T & { readonly entry: Entry })[],
): Promise<(T & { readonly entry: OpenEntry })[]> {
  const unsealed = await unseal(ports.store, placed);
  const whole: (T & { readonly entry: OpenEntry })[] = [];
  for (const each of unsealed) {
    // One after another: each may be large.
    const value = await wholeValue(ports, each);
    whole.push(value === undefined ? each : { ...each, entry: withValue(each.entry, value) });
  }
  return whole;
}

async function unseal<T extends Place>(
  store: Store,
  placed: readonly (T & { readonly entry: Entry })[],
): Promise<(T & { readonly entry: OpenEntry })[]> {
  const sealed = placed.filter(({ entry }) => isSealed(entry));
  if (sealed.length === 0) return [...placed];
  const rows = await contentsAt(store, sealed);
  const contents = new Map(sealed.map(({ entry }, index) => [entry, rows[index]]));
  return placed.map((each) => {
    const found = contents.get(each.entry);
    return found === undefined ? each : { ...each, entry: openEntry(each.entry, found) };
  });
}

/** The entry with what it has sealed, and with the seal that it had. */
function openEntry(entry: Entry, { kept, carried }: ContentRows): OpenEntry {
  const outer = carried && readContent(carried);
  const inner = kept && readContent(kept);
  const content = inner ?? outer;
  if (content === undefined) return entry;
  const sealed = readSealed(inner && outer ? outer.content : valueIn(entry));
  const leaves = leavesOf(sealed?.kind);
  const seal: Seal = { leaves, shown: sealed?.shown, subject: content.subject };
  return { ...withValue(entry, content.content), seal };
}

/** Whether what there is beside an entry is what it has sealed; nothing is right, too. */
export function isContentOfEntry(
  sha256: Sha256,
  entry: Entry,
  { kept, carried }: ContentRows,
): boolean {
  const outer = carried && readContent(carried);
  const inner = kept && readContent(kept);
  const isOf = (value: Uint8Array, content: Content): boolean => {
    const sealed = readSealed(value);
    return sealed !== undefined && isContentOf(sha256, sealed, content);
  };
  if (outer !== undefined && !isOf(valueIn(entry), outer)) return false;
  // The redacted value that is carried tells of the whole one; once it is erased, nothing does.
  const around = outer === undefined ? valueIn(entry) : outer.content;
  if (inner === undefined || sealKindOf(around) === 'erasable') return true;
  return isOf(around, inner);
}

function leavesOf(kind: SealKind | undefined): Seal['leaves'] {
  if (kind === 'local') return 'nothing';
  return kind === 'redacted' ? 'redacted' : 'all';
}

/**
 * The encoded value that is to be shown of an entry.
 *
 * @param reveal Also what does not leave. `undefined`: it is as the entry has it.
 */
export function shownContent(
  { kept, carried }: ContentRows,
  reveal: boolean,
): Uint8Array | undefined {
  const row = reveal ? (kept ?? carried) : carried;
  return row && readContent(row).content;
}
