export * from './base/assert.ts';
export * from './base/bytes.ts';
export * from './base/errors.ts';
export * from './base/exit.ts';
export * from './base/log.ts';
export * from './base/names.ts';
export * from './base/ports.ts';
export * from './base/terminal.ts';
export * from './base/units.ts';
export {
  bytes,
  choice,
  invalid,
  list,
  record,
  text,
  uint,
  type Infer,
  type Schema,
} from './base/schema.ts';
export * from './wire/cbor.ts';
export * from './wire/entry.ts';
export * from './wire/envelope.ts';
export * from './wire/lanes.ts';
export * from './wire/messages.ts';
export * from './wire/topics.ts';
export * from './wire/value.ts';
export * from './wire/version.ts';
