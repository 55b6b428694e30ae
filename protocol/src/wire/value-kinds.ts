import { invalid } from '../base/schema.ts';
import { errorKind } from './value-errors.ts';
import type { Packer } from './value-pack.ts';
import { base64, platform } from './value-platform.ts';
import {
  readBytes,
  readList,
  readPairs,
  readText,
  showPairs,
  type KindReader,
} from './value-tree.ts';

/** A kind of object, known by its prototype. Own properties added to one are not kept. */
export interface ValueKind<T extends object = object> extends KindReader {
  readonly prototypes: readonly object[];
  /** The content: plain data, whose parts went through the packer. */
  pack(value: T, packer: Packer): unknown;
}

const rawBytes = (view: ArrayBufferView): Uint8Array =>
  new Uint8Array(view.buffer, view.byteOffset, view.byteLength);

export const showBytes = (content: unknown): unknown => ({
  $: 'bytes',
  base64: base64(readBytes(content)),
});

const date: ValueKind<Date> = {
  name: 'date',
  prototypes: [Date.prototype],
  pack(value) {
    const ms = Date.prototype.getTime.call(value);
    return Number.isNaN(ms) ? null : ms;
  },
  revive(content, revive) {
    const ms = revive(content);
    if (ms !== null && typeof ms !== 'number') {
      throw invalid('the value', 'has a date that is no number');
    }
    return new Date(ms ?? Number.NaN);
  },
  show(content, show) {
    const ms = show(content);
    return typeof ms === 'number' ? new Date(ms).toISOString() : 'Invalid Date';
  },
};

const map: ValueKind<ReadonlyMap<unknown, unknown>> = {
  name: 'map',
  prototypes: [Map.prototype],
  pack: (value, packer) =>
    packer.pairs(value, ([key, item], index) => [
      packer.within(index, key),
      packer.within(index, item),
    ]),
  revive: (content, revive) =>
    new Map(readPairs(content).map(([key, item]) => [revive(key), revive(item)])),
  show(content, show) {
    const pairs = readPairs(content);
    if (pairs.every(([key]) => typeof key === 'string')) return showPairs(content, show);
    return pairs.map(([key, item]) => [show(key), show(item)]);
  },
};

const set: ValueKind<ReadonlySet<unknown>> = {
  name: 'set',
  prototypes: [Set.prototype],
  pack: (value, packer) => packer.each(value, (item, index) => packer.within(index, item)),
  revive: (content, revive) => new Set(readList(content).map(revive)),
  show: (content, show) => readList(content).map(show),
};

const regExp: ValueKind<RegExp> = {
  name: 'regexp',
  prototypes: [RegExp.prototype],
  pack: ({ source, flags, lastIndex }, packer) => [
    packer.text(source),
    packer.text(flags),
    packer.pack(lastIndex),
  ],
  revive(content, revive) {
    const [source, flags, lastIndex] = readList(content).map(revive);
    const expression = new RegExp(readText(source), readText(flags));
    expression.lastIndex = Number(lastIndex);
    return expression;
  },
  show(content, show) {
    const [source, flags] = readList(content).map(show);
    return `/${String(source)}/${String(flags)}`;
  },
};

const arrayBuffer: ValueKind<ArrayBuffer> = {
  name: 'arraybuffer',
  prototypes: [ArrayBuffer.prototype],
  pack: (value, packer) => packer.bytes(new Uint8Array(value)),
  revive: (content) => readBytes(content).buffer,
  show: showBytes,
};

const dataView: ValueKind<DataView> = {
  name: 'dataview',
  prototypes: [DataView.prototype],
  pack: (value, packer) => packer.bytes(rawBytes(value)),
  revive: (content) => new DataView(readBytes(content).buffer),
  show: showBytes,
};

const typedArrayClasses = [
  Int8Array,
  Uint8ClampedArray,
  Int16Array,
  Uint16Array,
  Int32Array,
  Uint32Array,
  Float32Array,
  Float64Array,
  BigInt64Array,
  BigUint64Array,
] as const;

/** `int8array` to `biguint64array`: the items one after another, least significant byte first. */
const typedArrays = typedArrayClasses.map((TypedArray): ValueKind<ArrayBufferView> => {
  const revive = (content: unknown) => new TypedArray(readBytes(content).buffer);
  return {
    name: TypedArray.name.toLowerCase(),
    prototypes: [TypedArray.prototype],
    pack: (value, packer) => packer.bytes(rawBytes(value)),
    revive,
    // A bigint is shown as text wherever it stands, however small it is.
    show: (content, show) =>
      Array.from<number | bigint, unknown>(revive(content), (item) =>
        typeof item === 'bigint' ? String(item) : show(item),
      ),
  };
});

/** Where there is no Buffer, one comes back as the bytes it holds. */
const buffer: ValueKind<Uint8Array> = {
  name: 'buffer',
  prototypes: platform.Buffer === undefined ? [] : [platform.Buffer.prototype],
  pack: (value, packer) => packer.bytes(rawBytes(value)),
  revive: (content) => platform.Buffer?.from(readBytes(content)) ?? readBytes(content),
  show: showBytes,
};

/** Where there is no URL, one comes back as its text. */
const url: ValueKind<{ readonly href: string }> = {
  name: 'url',
  prototypes: platform.URL === undefined ? [] : [platform.URL.prototype],
  pack: (value, packer) => packer.text(value.href),
  revive: (content) => (platform.URL ? new platform.URL(readText(content)) : readText(content)),
  show: readText,
};

/** Kinds of objects other than plain objects, arrays and `Uint8Array`. */
export const valueKinds: readonly ValueKind<never>[] = [
  date,
  map,
  set,
  regExp,
  arrayBuffer,
  dataView,
  ...typedArrays,
  buffer,
  url,
  errorKind,
];
