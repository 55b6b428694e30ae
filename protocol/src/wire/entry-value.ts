import { NO_BYTES } from '../base/bytes.ts';

/** The fields of entries that hold an encoded value. No kind has two of them. */
export const valueFields = ['input', 'output', 'result', 'payload', 'status', 'error'] as const;
export type ValueField = (typeof valueFields)[number];

/** The field of an entry that holds its encoded value; `undefined`: its kind has none. */
export function valueFieldOf(entry: object): ValueField | undefined {
  for (const field of valueFields) if (field in entry) return field;
  return undefined;
}

/** The encoded value of an entry; empty: its kind has none. */
export function valueIn(entry: object): Uint8Array {
  const field = valueFieldOf(entry);
  const fields: Partial<Record<string, unknown>> = entry;
  const value = field && fields[field];
  return value instanceof Uint8Array ? value : NO_BYTES;
}

/** The same entry with this as its encoded value. */
export function withValue<T extends object>(entry: T, value: Uint8Array): T {
  const field = valueFieldOf(entry);
  return field === undefined ? entry : { ...entry, [field]: value };
}
