import { encodeValue } from '@holdfast/protocol';
import type { Shape } from './shape.ts';

/** Instances of what records are made of, as a reader of a vector would like to see them. */
const samples: Readonly<Record<string, unknown>> = {
  protocolMin: 1,
  protocolMax: 1,
  device: 'till-7',
  epoch: 1,
  seqFirst: 41,
  seqLast: 60,
  incarnation: ascending(8, 0x10),
  session: ascending(8, 0x20),
  agentVersion: '0.1.0',
  sentAtMs: 1_767_225_600_123,
  nowMs: 1_767_225_600_456,
  gateway: 'gateway-1',
  protocol: 1,
  batchBytesMax: 61_440,
  inflightMax: 8,
  reportEveryMs: 5_000,
  reconnectSpreadMs: 30_000,
  atMs: 1_767_225_600_000,
  nextAtMs: 1_767_225_601_000,
  dueAtMs: 1_767_229_200_000,
  expiresAtMs: 1_767_484_800_000,
  firstAtMs: 1_767_225_600_000,
  lastAtMs: 1_767_229_200_000,
  oldestAtMs: 1_767_222_000_000,
  boot: 3,
  monoMs: 65_536,
  run: 'order-1001',
  n: 4,
  op: 2,
  name: 'inventory.update',
  workflow: 'checkout',
  uid: '0b87c6a2',
  key: '0b87c6a2/2',
  schedule: 'nightly-report',
  child: 'order-1001/refund',
  parent: 'day-2026-01-01',
  reason: 'a person decided so – at the till',
  code: 'HF_CODE_MISMATCH',
  input: encodeValue({ sku: 'tea', quantity: 2 }),
  output: encodeValue({ paid: true }),
  result: encodeValue({ left: 40 }),
  status: encodeValue('Your order will be confirmed shortly'),
  error: encodeValue(plainError()),
  payload: encodeValue({ celsius: 4.5 }),
};

/** Without a stack: that would name files of one machine. */
function plainError(): Error {
  const error = new RangeError('The drawer is empty');
  error.stack = 'RangeError: The drawer is empty';
  return error;
}

function ascending(length: number, from: number): Uint8Array {
  return Uint8Array.from({ length }, (_, index) => (from + index) & 255);
}

/**
 * A value of the shape, always the same: what `samples` has for a field of this name, else
 * something plain. Items of a list or a lane differ.
 */
export function sampleOf(shape: Shape, name: string, index = 0): unknown {
  switch (shape.kind) {
    case 'uint':
      return uintOf(samples[name], shape.max, index);
    case 'bool':
      return true;
    case 'text': {
      const sample = samples[name];
      return (typeof sample === 'string' ? sample : name).slice(0, shape.max);
    }
    case 'bytes': {
      const sample = samples[name];
      if (sample instanceof Uint8Array && sample.byteLength <= shape.max) return sample;
      return ascending(shape.isExact ? shape.max : 4, name.length * 8 + index * 64);
    }
    case 'choice':
      return shape.words[Math.min(1, shape.words.length - 1)];
    case 'list':
      return [0, 1].map((each) => sampleOf(shape.item, name, each));
    case 'orBytes':
      return sampleOf(shape.plain, name, index);
    case 'perLane':
      return [0, 1, 2].map((each) => sampleOf(shape.item, name, each));
    case 'record': {
      const fields = shape.fields.map((field) => [
        field.name,
        sampleOf(field.shape, field.name, index),
      ]);
      return Object.fromEntries(fields) as object;
    }
  }
}

function uintOf(sample: unknown, max: number, index: number): number {
  const value = typeof sample === 'number' ? sample : 7 + index * 1_000;
  return Math.min(value, max);
}

/** Plain JSON of fields: bytes are `{"hex": …}`. */
export function asJson(value: unknown): unknown {
  if (value instanceof Uint8Array) return { hex: Buffer.from(value).toString('hex') };
  if (Array.isArray(value)) return value.map(asJson);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, each]) => [key, asJson(each)]));
}
