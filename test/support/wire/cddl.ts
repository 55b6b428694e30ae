import { batchEntriesShape, entryShapes, messageShapes, type Field, type Shape } from './shape.ts';

/** Fields that hold an encoded value. */
const valueFields = new Set(['input', 'output', 'result', 'payload', 'status', 'error']);
const ENTRY_BYTES_MAX = 56 * 1024;

const preamble = `; Holdfast, protocol 1: what crosses the link, in CDDL (RFC 8610).
;
; PROTOCOL.md says what it means. Records are arrays that grow at the end: \`* any\` stands for the
; fields of later versions, which a reader ignores. CBOR has definite lengths and no tags.
;
; Made from the schemas: after a build, \`node test/dist/support/wire/write-files.js\` writes it
; anew.

start = envelope

uint53 = 0..9007199254740991
instant = uint53       ; ms since 1970-01-01T00:00:00Z
duration = uint53      ; ms
hash = bytes .size 32  ; SHA-256

; ECDSA over P-256 and SHA-256: r and s, 32 bytes each, big-endian; or Ed25519.
signature = bytes .size (0..128)`;

const seal = 'signature: signature';

const carriedEntry = `; An entry whose value is erasable, with what that value has sealed.
carried-entry = [
  entry: bytes .cbor entry,
  subject: text128,
  salt: bytes .size 32,
  content: encoded-value,
  * any,
]`;

/** Kinds of values other than those that CBOR has, with what they hold. */
const valueKinds: readonly (readonly [kind: string, content: string, comment?: string])[] = [
  ['bigint', 'tstr', 'decimal'],
  ['number', '"-0"'],
  ['utf16', 'bytes', 'UTF-16 units, low byte first'],
  ['object', 'pairs', 'an object that no plain-map can stand for'],
  ['bare', 'pairs', 'an object without a prototype'],
  ['date', 'number / null', 'ms since 1970; null: no valid date'],
  ['map', '[* [value, value]]'],
  ['set', '[* value]'],
  ['regexp', '[source: string, flags: string, lastIndex: value]'],
  ['arraybuffer', 'bytes'],
  ['dataview', 'bytes'],
  ['buffer', 'bytes'],
  ['url', 'string'],
  ['error', 'error'],
  ['local', '[commitment: hash, size: uint53]', 'sealed'],
  ['redacted', '[commitment: hash, size: uint53, shown: value]', 'sealed'],
  ['erasable', '[commitment: hash, size: uint53]', 'sealed'],
  ...['int8', 'uint8clamped', 'int16', 'uint16', 'int32', 'uint32'].map(typedArray),
  ...['float32', 'float64', 'bigint64', 'biguint64'].map(typedArray),
];

function typedArray(item: string): readonly [string, string, string] {
  return [`${item}array`, 'bytes', 'items, low byte first'];
}

const values = `; Values: what the code of a user gives and gets.

encoded-value = bytes .cbor value

value = null / undefined / bool / number / tstr / bytes / [* value] / plain-map / wrapped
plain-map = {* (tstr .ne "$") => value}
string = tstr / value-utf16
pairs = [* [string, value]]
error = {
  "name" => value,
  ? "class" => tstr,    ; where it is not the same as the name
  ? "message" => value,
  ? "stack" => value,
  ? "cause" => value,
  ? "errors" => value,  ; of an AggregateError
  ? "fields" => pairs,  ; the error's own properties
}`;

/** A type in CDDL. Bounds of text are in UTF-16 units, of which one takes up to three bytes. */
function typeOf(shape: Shape, name: string): string {
  switch (shape.kind) {
    case 'uint':
      if (shape.max !== Number.MAX_SAFE_INTEGER) return `0..${shape.max}`;
      if (/(?:^a|A)tMs$|^nowMs$/.test(name)) return 'instant';
      return name.endsWith('Ms') ? 'duration' : 'uint53';
    case 'bool':
      return 'bool';
    case 'text':
      return `text${shape.max}`;
    case 'bytes':
      if (shape.isExact) return shape.max === 32 ? 'hash' : `bytes .size ${shape.max}`;
      if (valueFields.has(name) && shape.max === ENTRY_BYTES_MAX) return 'encoded-value';
      return `bytes .size (0..${shape.max})`;
    case 'choice':
      return `&(${shape.words.map((word, index) => `${ruleName(word)}: ${index}`).join(', ')})`;
    case 'list':
      return `[0*${shape.max} ${typeOf(shape.item, name)}]`;
    case 'orBytes':
      return `${typeOf(shape.plain, name)} / ${typeOf(shape.more, name)}`;
    case 'perLane':
      return `[3*3 ${typeOf(shape.item, name)}]`;
    case 'record':
      return `[${shape.fields.map(fieldOf).join(', ')}, * any]`;
  }
}

function fieldOf({ name, shape }: Field): string {
  return `${name}: ${typeOf(shape, name)}`;
}

/** Record by record: each that is an item of a field is a rule of its own, before its user. */
function ruleOf(name: string, first: readonly string[], fields: readonly Field[]): string {
  const inner: string[] = [];
  const lines = fields.map((field) => {
    const shape = field.shape;
    if (shape.kind !== 'list' && shape.kind !== 'perLane') return fieldOf(field);
    if (shape.item.kind !== 'record') return fieldOf(field);
    const item = `${name}-${field.name}`;
    inner.push(ruleOf(item, [], shape.item.fields));
    const count = shape.kind === 'list' ? `0*${shape.max}` : '3*3';
    return `${field.name}: [${count} ${item}]`;
  });
  return [...inner, arrayOf(name, [...first, ...lines])].join('\n\n');
}

function arrayOf(name: string, items: readonly string[]): string {
  const lines = [...items, '* any'].map((line) => `  ${line},`);
  return [`${name} = [`, ...lines, ']'].join('\n');
}

function ruleName(kind: string): string {
  return kind.replace('.', '-');
}

function valueRule([kind, content, comment]: (typeof valueKinds)[number]): string {
  const rule = `value-${kind} = {"$": "${kind}", "v": ${content}}`;
  return comment === undefined ? rule : `${rule}  ; ${comment}`;
}

/** The named types of bounded text that shapes use. */
function textRules(): string {
  const bounds = new Set<number>();
  const visit = (shape: Shape): void => {
    if (shape.kind === 'text') bounds.add(shape.max);
    if (shape.kind === 'record') shape.fields.forEach((field) => visit(field.shape));
    if (shape.kind === 'list' || shape.kind === 'perLane') visit(shape.item);
  };
  for (const { record } of [...messageShapes, ...entryShapes]) visit(record);
  const rules = [...bounds]
    .toSorted((a, b) => a - b)
    .map((max) => `text${max} = tstr .size (0..${3 * max})`);
  return ['; At most so many UTF-16 units, of which one takes up to three bytes.', ...rules].join(
    '\n',
  );
}

/** The text of `protocol/holdfast.cddl`. */
export function cddl(): string {
  const kinds = entryShapes.map(({ name }) => ruleName(name));
  const countMax = batchEntriesShape.kind === 'list' ? batchEntriesShape.max : 0;
  const parts = [
    preamble,
    `envelope = ${messageShapes.map(({ name }) => `sealed-${name}`).join('\n         / ')}`,
    ...messageShapes.map(({ name, number }) =>
      arrayOf(`sealed-${name}`, [`kind: ${number}`, `body: bytes .cbor ${name}`, seal]),
    ),
    textRules(),
    '; Messages.',
    ...messageShapes.map(({ name, record }) => ruleOf(name, [], record.fields)),
    '; The payload of a batch: entries as they are hashed and stored. Here, or as raw deflate.',
    `batch-entries = [1*${countMax} (bytes .cbor entry) / carried-entry]`,
    carriedEntry,
    '; Entries. The number of a kind is its place in this list.',
    `entry = ${kinds.join('\n      / ')}`,
    ...entryShapes.map(({ name, number, record }) =>
      ruleOf(ruleName(name), [`kind: ${number}`], record.fields),
    ),
    values,
    `wrapped = ${valueKinds.map(([kind]) => `value-${kind}`).join('\n        / ')}`,
    valueKinds.map(valueRule).join('\n'),
  ];
  return `${parts.join('\n\n')}\n`;
}
