export * from './base.ts';
export {
  bytes,
  choice,
  invalid,
  list,
  prose,
  record,
  text,
  uint,
  type Infer,
  type RecordSchema,
  type Schema,
} from './base/schema.ts';
export * from './wire/cbor.ts';
export { CborWriter } from './wire/cbor-writer.ts';
export * from './wire/entry.ts';
export * from './wire/entry-value.ts';
export * from './wire/envelope.ts';
export * from './wire/key-name.ts';
export * from './wire/messages.ts';
export * from './wire/pairing.ts';
export * from './wire/proof.ts';
export {
  PARTS_MAX,
  VALUE_INLINE_MAX,
  isParted,
  joinParts,
  partedValue,
  readParted,
  type PartedValue,
} from './wire/parts.ts';
export * from './wire/sealed.ts';
export * from './wire/topics.ts';
export * from './wire/value.ts';
export { VALUE_BYTES_MAX, VALUE_DEPTH_MAX, VALUE_ITEMS_MAX } from './wire/value-bounds.ts';
export * from './wire/version.ts';
export * from './wire/version-text.ts';
export * from './wire/withheld.ts';
