import { HoldfastError } from './errors.ts';
import { durationMs } from './units.ts';

/**
 * A question to the rows of a list, as people type it:
 *
 *     workflow=order-* and (state=stuck or try>3) and not since<10m
 *
 *     expression = term { "or" term }
 *     term       = factor { "and" factor }
 *     factor     = "not" factor | "(" expression ")" | comparison
 *     comparison = field ( "=" | "!=" | "<" | "<=" | ">" | ">=" ) value
 *
 * A value with blanks or signs is in quotes. In a text, `*` stands for any characters.
 */

/** What a field of a row is: how its value is typed, and compared. */
export type FilterKind = 'text' | 'number' | 'duration' | 'size';

/** The fields that rows have; one that ends in `.` stands for all that begin like it. */
export type FilterFields = Readonly<Record<string, FilterKind>>;

/** A text; or a number, a duration in ms, a size in bytes; `null`: the row has none. */
export type FilterValue = string | number | null | undefined;

export interface Filter {
  /** Whether a row fits; a comparison with what it has not never does. */
  fits(valueOf: (field: string) => FilterValue): boolean;
  /** The values of which the field must have one for a row to fit; `undefined`: it need not. */
  oneOf(field: string): readonly string[] | undefined;
}

const operators = ['=', '!=', '<', '<=', '>', '>='] as const;
type Operator = (typeof operators)[number];

type Node =
  | { readonly kind: 'and' | 'or'; readonly parts: readonly Node[] }
  | { readonly kind: 'not'; readonly part: Node }
  | {
      readonly kind: 'is';
      readonly field: string;
      readonly operator: Operator;
      readonly text: string;
      readonly wanted: string | number;
    };

/** Longer ones nobody types. */
const LENGTH_MAX = 2_000;
const DEPTH_MAX = 32;

/** @throws HF_QUERY_INVALID that says where it is wrong, and what could be there. */
export function parseFilter(text: string, fields: FilterFields): Filter {
  if (text.length > LENGTH_MAX) throw wrong(`it has more than ${LENGTH_MAX} characters`);
  const root = new Parser(tokensOf(text), fields).parse();
  return {
    fits: (valueOf) => fits(root, valueOf),
    oneOf: (field) => oneOf(root, field),
  };
}

interface Token {
  readonly text: string;
  /** In quotes: never a word of the language. */
  readonly isQuoted: boolean;
  readonly at: number;
}

const TOKEN = /\s*(?:"([^"]*)"|'([^']*)'|(!=|<=|>=|[=<>()])|([^\s"'()=<>!]+))/y;

function tokensOf(text: string): readonly Token[] {
  const tokens: Token[] = [];
  const end = text.trimEnd().length;
  for (let at = 0; at < end; at = TOKEN.lastIndex) {
    TOKEN.lastIndex = at;
    const match = TOKEN.exec(text);
    if (match === null)
      throw wrong(`what begins at ${shown(text.slice(at).trimStart())} is no word`);
    const [, double, single, sign, word] = match;
    const quoted = double ?? single;
    tokens.push({ text: quoted ?? sign ?? word ?? '', isQuoted: quoted !== undefined, at });
  }
  return tokens;
}

class Parser {
  readonly #tokens: readonly Token[];
  readonly #fields: FilterFields;
  #next = 0;
  #depth = 0;

  constructor(tokens: readonly Token[], fields: FilterFields) {
    this.#tokens = tokens;
    this.#fields = fields;
  }

  parse(): Node {
    const node = this.#expression();
    const left = this.#tokens[this.#next];
    if (left === undefined) return node;
    throw wrong(`there is ${shown(left.text)} where \`and\`, \`or\` or the end should be`);
  }

  #expression(): Node {
    return this.#chain('or', () => this.#chain('and', () => this.#factor()));
  }

  #chain(kind: 'and' | 'or', part: () => Node): Node {
    const parts = [part()];
    while (this.#take(kind)) parts.push(part());
    const [only] = parts;
    return only !== undefined && parts.length === 1 ? only : { kind, parts };
  }

  #factor(): Node {
    this.#depth += 1;
    if (this.#depth > DEPTH_MAX) throw wrong(`it goes deeper than ${DEPTH_MAX}`);
    try {
      if (this.#take('not')) return { kind: 'not', part: this.#factor() };
      if (!this.#take('(')) return this.#comparison();
      const inner = this.#expression();
      if (this.#take(')')) return inner;
      throw wrong('a `)` is missing');
    } finally {
      this.#depth -= 1;
    }
  }

  #comparison(): Node {
    const field = this.#word('the name of a field');
    const kind = this.#kindOf(field);
    const operator = operators.find((each) => this.#take(each));
    if (operator === undefined)
      throw wrong(`behind ${shown(field)} one of ${operators.join(' ')} is missing`);
    const text = this.#word(`the value for ${shown(field)}`, true);
    if (kind === 'text' && operator !== '=' && operator !== '!=') {
      throw wrong(`${shown(field)} is a text, which is = or != something`);
    }
    return { kind: 'is', field, operator, text, wanted: wantedOf(field, kind, text) };
  }

  #kindOf(field: string): FilterKind {
    const prefix = field.slice(0, field.indexOf('.') + 1);
    const known = Object.hasOwn(this.#fields, field) ? this.#fields[field] : undefined;
    const wide = prefix !== '' && prefix !== field && Object.hasOwn(this.#fields, prefix);
    const kind = known ?? (wide ? this.#fields[prefix] : undefined);
    if (kind !== undefined && !field.endsWith('.')) return kind;
    const names = Object.keys(this.#fields).map((name) =>
      name.endsWith('.') ? `${name}NAME` : name,
    );
    throw wrong(`there is no field ${shown(field)}, only ${names.join(', ')}`);
  }

  #word(what: string, mayBeEmpty = false): string {
    const token = this.#tokens[this.#next];
    const isWord =
      token?.isQuoted === true || (token !== undefined && !/^[!=<>()]/.test(token.text));
    if (token === undefined || !isWord || (token.text === '' && !mayBeEmpty)) {
      throw wrong(`${what} is missing${token === undefined ? ' at the end' : ''}`);
    }
    this.#next += 1;
    return token.text;
  }

  #take(text: string): boolean {
    const token = this.#tokens[this.#next];
    if (token === undefined || token.isQuoted || token.text.toLowerCase() !== text) return false;
    this.#next += 1;
    return true;
  }
}

const SIZE = /^(\d{1,15}(?:\.\d{1,6})?)\s*([KMGT]?)(?:i?B)?$/;

function wantedOf(field: string, kind: FilterKind, text: string): string | number {
  switch (kind) {
    case 'text':
      return text;
    case 'number':
      if (/^-?\d{1,15}(?:\.\d{1,6})?$/.test(text)) return Number(text);
      throw wrong(`${shown(field)} is a number, and ${shown(text)} is none`);
    case 'size': {
      const [, digits, unit = ''] = SIZE.exec(text) ?? [];
      if (digits !== undefined) return Number(digits) * 1_024 ** ' KMGT'.indexOf(unit || ' ');
      throw wrong(`${shown(field)} is a size such as 2M, and ${shown(text)} is none`);
    }
    case 'duration':
      try {
        return durationMs(text);
      } catch {
        throw wrong(`${shown(field)} is a duration such as 10m, and ${shown(text)} is none`);
      }
  }
}

function fits(node: Node, valueOf: (field: string) => FilterValue): boolean {
  switch (node.kind) {
    case 'and':
      return node.parts.every((part) => fits(part, valueOf));
    case 'or':
      return node.parts.some((part) => fits(part, valueOf));
    case 'not':
      return !fits(node.part, valueOf);
    case 'is': {
      const value = valueOf(node.field);
      if (value === null || value === undefined) return false;
      return holds(value, node.operator, node.wanted);
    }
  }
}

function holds(value: string | number, operator: Operator, wanted: string | number): boolean {
  const isEqual = typeof wanted === 'string' ? isLike(String(value), wanted) : value === wanted;
  switch (operator) {
    case '=':
      return isEqual;
    case '!=':
      return !isEqual;
    case '<':
      return value < wanted;
    case '<=':
      return value <= wanted;
    case '>':
      return value > wanted;
    case '>=':
      return value >= wanted;
  }
}

/**
 * Whether a text is as a pattern says, in which `*` stands for any characters. Takes no longer than
 * the product of their lengths, whatever the pattern.
 */
export function isLike(text: string, pattern: string): boolean {
  const [first = '', ...rest] = pattern.split('*');
  const last = rest.pop();
  if (last === undefined) return text === pattern;
  if (!text.startsWith(first)) return false;
  let at = first.length;
  for (const part of rest) {
    const found = text.indexOf(part, at);
    if (found === -1) return false;
    at = found + part.length;
  }
  return text.length - last.length >= at && text.endsWith(last);
}

function oneOf(node: Node, field: string): readonly string[] | undefined {
  switch (node.kind) {
    case 'is': {
      const isPlain = node.operator === '=' && !node.text.includes('*');
      return isPlain && node.field === field ? [node.text] : undefined;
    }
    case 'and':
      return node.parts.map((part) => oneOf(part, field)).find((each) => each !== undefined);
    case 'or': {
      const each = node.parts.map((part) => oneOf(part, field));
      return each.every((some) => some !== undefined) ? each.flat() : undefined;
    }
    case 'not':
      return undefined;
  }
}

const SHOWN_MAX = 40;

function shown(text: string): string {
  return text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}…` : text;
}

function wrong(why: string): HoldfastError {
  return new HoldfastError('HF_QUERY_INVALID', { why });
}
