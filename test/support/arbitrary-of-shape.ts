import * as fc from 'fast-check';

/** How the values of the leaves are chosen. */
export interface Leaves {
  text(lengthMax: number): fc.Arbitrary<string>;
  uint(max: number): fc.Arbitrary<number>;
  bytes(lengthMax: number, exact: boolean): fc.Arbitrary<Uint8Array>;
}

/** Any values, short ones. */
export const anyLeaves: Leaves = {
  // What a reader sees as one character may take several code units, which are what is bounded.
  text: (lengthMax) =>
    fc
      .string({ unit: 'grapheme', maxLength: Math.min(lengthMax, 24) })
      .filter(({ length }) => length <= lengthMax),
  uint: (max) => fc.oneof(fc.integer({ min: 0, max }), fc.constantFrom(0, Math.min(max, 23), max)),
  bytes: (lengthMax, exact) =>
    fc.uint8Array({
      minLength: exact ? lengthMax : 0,
      maxLength: exact ? lengthMax : Math.min(40, lengthMax),
    }),
};

/**
 * Values of what a schema describes, from its canonical text: a message or an entry of a new kind
 * is tested without a line more.
 */
export function arbitraryOfShape(shape: string, leaves: Leaves = anyLeaves): fc.Arbitrary<object> {
  const reader = new ShapeReader(shape, leaves);
  const arbitrary = reader.read() as fc.Arbitrary<object>;
  if (reader.rest !== '') throw new TypeError(`not read of the shape: ${reader.rest}`);
  return arbitrary;
}

class ShapeReader {
  rest: string;
  readonly #leaves: Leaves;

  constructor(shape: string, leaves: Leaves) {
    this.rest = shape;
    this.#leaves = leaves;
  }

  read(): fc.Arbitrary<unknown> {
    if (this.rest.startsWith('[')) return this.#record();
    const word = this.#take(/^[a-zA-Z]+/);
    switch (word) {
      case 'uint':
        return this.#leaves.uint(
          this.rest.startsWith('(') ? Number(this.#argument()) : Number.MAX_SAFE_INTEGER,
        );
      case 'bool':
        return fc.boolean();
      case 'text':
        return this.#leaves.text(Number(this.#argument()));
      case 'bytes': {
        const size = this.#argument();
        return this.#leaves.bytes(Number(size.replace('=', '')), size.startsWith('='));
      }
      case 'choice':
      case 'openChoice':
        return fc.constantFrom(...this.#argument().split('|'));
      case 'list': {
        const item = this.#item();
        this.#take(/^,\d+\)/);
        return fc.array(item, { maxLength: 5 });
      }
      case 'orBytes': {
        const plain = this.#item();
        this.#take(/^,/);
        const more = this.read();
        this.#take(/^\)/);
        return fc.oneof(plain, more);
      }
      case 'perLane': {
        const item = this.#item();
        this.#take(/^\)/);
        return fc.tuple(item, item, item);
      }
      default:
        throw new TypeError(`no arbitrary for ${word}`);
    }
  }

  #item(): fc.Arbitrary<unknown> {
    this.#take(/^\(/);
    return this.read();
  }

  #record(): fc.Arbitrary<unknown> {
    const fields: Record<string, fc.Arbitrary<unknown>> = {};
    this.#take(/^\[/);
    while (!this.rest.startsWith(']')) {
      const name = this.#take(/^\w+:/).slice(0, -1);
      fields[name] = this.read();
      if (this.rest.startsWith(',')) this.#take(/^,/);
    }
    this.#take(/^\]/);
    return fc.record(fields, { noNullPrototype: true });
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
