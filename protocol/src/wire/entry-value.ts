import { NO_BYTES } from '../base/bytes.ts';
import { entryKinds, fieldsOf, type EntryKind } from './entry.ts';

/** The fields of entries that hold an encoded value. No kind has two of them. */
export const valueFields = ['input', 'output', 'result', 'payload', 'status', 'error'] as const;
export type ValueField = (typeof valueFields)[number];

const fieldOfKind = new Map<EntryKind | undefined, ValueField | undefined>(
  entryKinds.map((kind) => [kind, valueFields.find((field) => fieldsOf(kind).includes(field))]),
);

type OfKind = { readonly kind?: EntryKind } & { readonly [F in ValueField]?: unknown };

/** The field of an entry that holds its encoded value; `undefined`: its kind has none. */
export function valueFieldOf({ kind }: Pick<OfKind, 'kind'>): ValueField | undefined {
  return fieldOfKind.get(kind);
}

/** The encoded value of an entry; empty: its kind has none. */
export function valueIn(entry: OfKind): Uint8Array {
  const field = valueFieldOf(entry);
  const value = field && entry[field];
  return value instanceof Uint8Array ? value : NO_BYTES;
}

/** The same entry with this as its encoded value. */
export function withValue<T extends OfKind>(entry: T, value: Uint8Array): T {
  const field = valueFieldOf(entry);
  return field === undefined ? entry : { ...entry, [field]: value };
}
