import { batchEntries, entryKinds, entryShape, messages, protocolShape } from '@holdfast/protocol';

/** What a schema takes, as its canonical text says. */
export type Shape =
  | { readonly kind: 'uint'; readonly max: number }
  | { readonly kind: 'bool' }
  /** At most `max` UTF-16 units. */
  | { readonly kind: 'text'; readonly max: number }
  | { readonly kind: 'bytes'; readonly max: number; readonly isExact: boolean }
  | { readonly kind: 'choice'; readonly words: readonly string[] }
  | { readonly kind: 'list'; readonly item: Shape; readonly max: number }
  /** A byte string, or more. */
  | { readonly kind: 'orBytes'; readonly plain: Shape; readonly more: Shape }
  /** Three items, one a lane. */
  | { readonly kind: 'perLane'; readonly item: Shape }
  | RecordShape;

export interface RecordShape {
  readonly kind: 'record';
  readonly fields: readonly Field[];
}

export interface Field {
  readonly name: string;
  readonly shape: Shape;
  /** The canonical text of the shape. */
  readonly text: string;
}

/** A message or an entry with its number on the wire. */
export interface Numbered {
  readonly number: number;
  readonly name: string;
  readonly record: RecordShape;
}

export function parseShape(text: string): Shape {
  const reader = new ShapeText(text);
  const shape = reader.shape();
  if (reader.rest !== '') throw new TypeError(`not read of the shape: ${reader.rest}`);
  return shape;
}

class ShapeText {
  rest: string;

  constructor(text: string) {
    this.rest = text;
  }

  shape(): Shape {
    if (this.rest.startsWith('[')) return this.#record();
    const word = this.#take(/^[a-zA-Z]+/);
    switch (word) {
      case 'uint': {
        const isBounded = this.rest.startsWith('(');
        const max = isBounded ? Number(this.#argument()) : Number.MAX_SAFE_INTEGER;
        return { kind: 'uint', max };
      }
      case 'bool':
        return { kind: 'bool' };
      case 'text':
        return { kind: 'text', max: Number(this.#argument()) };
      case 'bytes': {
        const size = this.#argument();
        return { kind: 'bytes', max: Number(size.replace('=', '')), isExact: size.startsWith('=') };
      }
      case 'choice':
      case 'openChoice':
        return { kind: 'choice', words: this.#argument().split('|') };
      case 'list': {
        const item = this.#item();
        return { kind: 'list', item, max: Number(this.#take(/^,\d+\)/).slice(1, -1)) };
      }
      case 'orBytes': {
        const plain = this.#item();
        this.#take(/^,/);
        const more = this.shape();
        this.#take(/^\)/);
        return { kind: 'orBytes', plain, more };
      }
      case 'perLane': {
        const item = this.#item();
        this.#take(/^\)/);
        return { kind: 'perLane', item };
      }
      default:
        throw new TypeError(`no shape is called ${word}`);
    }
  }

  #item(): Shape {
    this.#take(/^\(/);
    return this.shape();
  }

  #record(): RecordShape {
    const fields: Field[] = [];
    this.#take(/^\[/);
    while (!this.rest.startsWith(']')) {
      const name = this.#take(/^\w+:/).slice(0, -1);
      const before = this.rest;
      const shape = this.shape();
      fields.push({ name, shape, text: before.slice(0, before.length - this.rest.length) });
      if (this.rest.startsWith(',')) this.#take(/^,/);
    }
    this.#take(/^\]/);
    return { kind: 'record', fields };
  }

  #argument(): string {
    return this.#take(/^\([^)]*\)/).slice(1, -1);
  }

  #take(pattern: RegExp): string {
    const [found] = pattern.exec(this.rest) ?? [];
    if (found === undefined) throw new TypeError(`expected ${String(pattern)}: ${this.rest}`);
    this.rest = this.rest.slice(found.length);
    return found;
  }
}

/** The records of the protocol, from the text that its fingerprint is made of. */
const records = new Map(
  protocolShape.split('\n').map((line) => {
    const at = line.search(/[[(]|list\(/);
    return [line.slice(0, at), line.slice(at)];
  }),
);

function numbered(name: string, number: number): Numbered {
  const record = parseShape(records.get(name) ?? '');
  if (record.kind !== 'record') throw new TypeError(`${name} is no record`);
  return { name, number, record };
}

export const messageShapes: readonly Numbered[] = Object.keys(messages).map(numbered);
export const entryShapes: readonly Numbered[] = entryKinds.map(numbered);
export const batchEntriesShape: Shape = parseShape(batchEntries.shape);

if (entryShape.split('\n').length !== entryShapes.length) throw new TypeError('kinds are missing');
