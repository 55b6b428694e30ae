import {
  SALT_BYTES,
  bytes,
  decodeWith,
  encodeWith,
  readSealed,
  record,
  sealKindOf,
  sealValue,
  valueFieldOf,
  type Chance,
  type Entry,
  type EntryBody,
  type Infer,
  type Lane,
  type Sha256,
  type Store,
  type StoreOp,
} from '@holdfast/protocol';
import { contentKey } from './keys.ts';
import type { Seal } from './mark.ts';

/** An entry with its value as it was given. `seal`: what of that leaves. */
export type OpenEntry = Entry & { readonly seal?: Seal | undefined };

/** Longest content: a value fits into an entry. */
const CONTENT_BYTES_MAX = 64 * 1024;

const contentFields = record({
  salt: bytes(SALT_BYTES, true),
  /** The encoded value. */
  content: bytes(CONTENT_BYTES_MAX),
});
const bounds = { bytesMax: CONTENT_BYTES_MAX + 256, depthMax: 2, itemsMax: 8, path: 'content' };

/** What was sealed, and what proves that it was this. */
export type Content = Infer<typeof contentFields>;

/** A body as it is journaled, and the row that its content is kept in. */
export interface SealedBody {
  readonly body: EntryBody;
  readonly content: Uint8Array;
}

/** Seals the value of an entry that is about to be journaled. */
export function sealBody(
  body: EntryBody,
  seal: Seal,
  ports: { readonly chance: Chance; readonly sha256: Sha256 },
): SealedBody {
  const content = valueIn(body);
  const salt = ports.chance.bytes(SALT_BYTES);
  const kind = seal.leaves === 'nothing' ? 'local' : 'redacted';
  const sealed = sealValue(ports.sha256, { kind, salt, content, shown: seal.shown });
  return {
    body: withValue(body, sealed),
    content: encodeWith(contentFields, { salt, content }),
  };
}

export function putContent(lane: Lane, seq: number, value: Uint8Array): StoreOp {
  return { kind: 'put', key: contentKey(lane, seq), value };
}

export function readContent(row: Uint8Array): Content {
  return decodeWith(contentFields, row, bounds);
}

/** Whether the value of an entry is sealed. */
export function isSealed(entry: Entry): boolean {
  return sealKindOf(valueIn(entry)) !== undefined;
}

/**
 * Opens entries: each sealed value is replaced by its content. One whose content is gone stays as
 * it is, and says so to whoever decodes it.
 */
export async function openEntries<T extends { readonly lane: Lane; readonly seq: number }>(
  store: Store,
  placed: readonly (T & { readonly entry: Entry })[],
): Promise<(T & { readonly entry: OpenEntry })[]> {
  const sealed = placed.filter(({ entry }) => isSealed(entry));
  if (sealed.length === 0) return [...placed];
  const rows = await store.getMany(sealed.map(({ lane, seq }) => contentKey(lane, seq)));
  const contents = new Map(sealed.map(({ entry }, index) => [entry, rows[index]]));
  return placed.map((each) => {
    const row = contents.get(each.entry);
    if (row === undefined) return each;
    return { ...each, entry: openEntry(each.entry, readContent(row).content) };
  });
}

/** The entry with this as the content of its sealed value. */
export function openEntry(entry: Entry, content: Uint8Array): OpenEntry {
  const sealed = readSealed(valueIn(entry));
  const leaves = sealed?.kind === 'local' ? 'nothing' : 'redacted';
  const seal: Seal = { leaves, shown: sealed?.shown };
  return { ...withValue(entry, content), seal };
}

const none = new Uint8Array(0);

/** The encoded value of an entry; empty: its kind has none. */
export function valueIn(entry: object): Uint8Array {
  const field = valueFieldOf(entry);
  const fields: Partial<Record<string, unknown>> = entry;
  const value = field && fields[field];
  return value instanceof Uint8Array ? value : none;
}

/** The same entry with this in the field for its value. */
export function withValue<T extends object>(entry: T, value: Uint8Array): T {
  const field = valueFieldOf(entry);
  return field === undefined ? entry : { ...entry, [field]: value };
}
