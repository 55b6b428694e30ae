import { HoldfastError, type ErrorCode } from '../base/errors.ts';
import { isWellFormed } from '../base/well-formed.ts';
import { VALUE_ITEMS_MAX } from './value-bounds.ts';
import { errorKind, isError } from './value-errors.ts';
import { valueKinds, type ValueKind } from './value-kinds.ts';
import { isPlain, utf16, utf8Length } from './value-text.ts';
import type { Wrapped } from './value-tree.ts';

export interface PackLimits {
  /** What the value is, for messages: the root of every path. */
  readonly what: string;
  /** A value that takes more for certain is refused before it is encoded. */
  readonly bytesMax: number;
  /** Objects within objects. */
  readonly depthMax: number;
  /**
   * Puts a text in brackets in the place of what cannot be stored, and cuts what is too long. For
   * errors: the failure must not be lost because of something that it carries.
   */
  readonly tolerant?: Tolerance;
}

interface Tolerance {
  /** Bytes of one text. */
  readonly textBytesMax: number;
  /** Items of one collection. */
  readonly itemsMax: number;
}

interface Refused {
  readonly code?: ErrorCode;
  readonly cause?: unknown;
}

const PATH_LENGTH_MAX = 200;
/** 60,000 decimal digits: a longer number cannot be stored, and would take long to print. */
const BIGINT_MAX = 1n << 200_000n;
/** What an item takes at most, beside its text or bytes: for budgets that must hold. */
const ITEM_BYTES = 16;
const TOLERANT_BYTES_MAX = 1_024;
const CUT = '[and more]';

const kindByPrototype = new Map<object, ValueKind<never>>(
  valueKinds.flatMap((kind) => kind.prototypes.map((prototype) => [prototype, kind] as const)),
);

const wrap = ($: string, v: unknown): Wrapped => ({ $, v });

/** Turns one value into a tree of plain data, reading each of its parts exactly once. */
export class Packer {
  readonly #limits: PackLimits;
  readonly #itemBytes: number;
  readonly #path: (string | number)[] = [];
  /** The objects around the place at hand, outermost first: `#path[i]` is a place in the i-th. */
  readonly #around: object[] = [];
  #bytesLeft: number;
  #itemsLeft = VALUE_ITEMS_MAX;

  constructor(limits: PackLimits) {
    this.#limits = limits;
    this.#bytesLeft = limits.bytesMax;
    this.#itemBytes = limits.tolerant === undefined ? 1 : ITEM_BYTES;
  }

  /** Packs the value at hand, or a part of it that has no name of its own. */
  pack(value: unknown): unknown {
    if (this.#limits.tolerant === undefined) return this.#pack(value);
    const [steps, depth] = [this.#path.length, this.#around.length];
    try {
      return this.#pack(value);
    } catch (refusal) {
      this.#path.length = steps;
      this.#around.length = depth;
      return this.#mark(refusal);
    }
  }

  /** Packs what is under a key or an index of the object at hand. */
  within(step: string | number, value: unknown): unknown {
    this.#path.push(step);
    const packed = this.pack(value);
    this.#path.pop();
    return packed;
  }

  /** Packs the items of a collection; a tolerant packer ends a long one with `cut`. */
  each<T>(
    items: Iterable<T>,
    packItem: (item: T, index: number) => unknown,
    cut: unknown = CUT,
  ): unknown[] {
    const packed: unknown[] = [];
    for (const item of items) {
      if (this.#isCut(packed.length)) {
        packed.push(cut);
        break;
      }
      packed.push(packItem(item, packed.length));
    }
    return packed;
  }

  /** Packs pairs of a key and something that belongs to it. */
  pairs<T>(
    items: Iterable<T>,
    packPair: (item: T, index: number) => [unknown, unknown],
  ): unknown[] {
    return this.each(items, packPair, [CUT, CUT]);
  }

  /** Bytes that must be whole. */
  bytes(view: Uint8Array): Uint8Array {
    // An error that carries bytes carries them by accident: a request, a socket.
    if (this.#limits.tolerant && view.byteLength > TOLERANT_BYTES_MAX) throw this.#tooLarge();
    this.#spend(view.byteLength);
    return view;
  }

  /** Text that must be whole. */
  text(whole: string): unknown {
    // At least a byte a unit is enough to refuse early; a budget that must hold wants them all.
    this.#spend(this.#limits.tolerant ? utf8Length(whole) : whole.length);
    return isPlain(whole) ? whole : wrap('utf16', utf16(whole));
  }

  /** Packs an own property, but runs no getter for it; except, tolerantly, those of errors. */
  own(holder: object, key: string, descriptor = Object.getOwnPropertyDescriptor(holder, key)) {
    const isAccessor = descriptor?.get !== undefined || descriptor?.set !== undefined;
    if (!isAccessor) return this.within(key, descriptor?.value);
    if (this.#limits.tolerant && isError(holder)) return this.read(holder, key);
    this.#path.push(key);
    throw this.#refusal('is computed by a getter');
  }

  /** Packs a property that may be inherited or computed. */
  read(holder: object, key: string): unknown {
    let value: unknown;
    try {
      value = Reflect.get(holder, key);
    } catch (cause) {
      this.#path.push(key);
      const refusal = this.#refusal('cannot be read', { cause });
      if (!this.#limits.tolerant) throw refusal;
      this.#path.pop();
      return this.#mark(refusal);
    }
    return this.within(key, value);
  }

  #pack(value: unknown): unknown {
    this.#spendItem();
    const { tolerant } = this.#limits;
    switch (typeof value) {
      case 'string':
        return this.text(tolerant ? this.#clip(value, tolerant) : value);
      case 'object':
        return value === null ? null : this.#object(value);
      case 'number':
        return Object.is(value, -0) ? wrap('number', '-0') : value;
      case 'bigint':
        if (value >= BIGINT_MAX || value <= -BIGINT_MAX) throw this.#tooLarge();
        return wrap('bigint', this.text(String(value)));
      case 'function':
      case 'symbol':
        throw this.#refusal(`is a ${typeof value}`);
      default:
        return value;
    }
  }

  #object(value: object): unknown {
    const above = this.#around.indexOf(value);
    if (above >= 0) {
      throw this.#refusal(`is ${this.#pathText(above)}, which contains it`, {
        code: 'HF_VALUE_CIRCULAR',
      });
    }
    if (this.#around.length >= this.#limits.depthMax) {
      throw this.#refusal(`is nested more than ${this.#limits.depthMax} deep`);
    }
    const steps = this.#path.length;
    // Half of the budget stays for what comes after it.
    const reserved = this.#limits.tolerant ? Math.floor(this.#bytesLeft / 2) : 0;
    this.#bytesLeft -= reserved;
    this.#around.push(value);
    try {
      return this.#content(value);
    } catch (cause) {
      if (cause instanceof HoldfastError) throw cause;
      this.#path.length = steps;
      throw this.#refusal('cannot be read', { cause });
    } finally {
      this.#around.pop();
      this.#bytesLeft += reserved;
    }
  }

  #content(value: object): unknown {
    const prototype: object | null = Object.getPrototypeOf(value);
    if (prototype === Object.prototype || prototype === null) return this.#plain(value, prototype);
    if (prototype === Array.prototype && Array.isArray(value)) return this.#list(value);
    if (prototype === Uint8Array.prototype) return this.#byteString(value);
    let kind = kindByPrototype.get(prototype);
    if (kind === undefined && this.#limits.tolerant && isError(value)) kind = errorKind;
    if (kind === undefined && this.#isThrownItself(value)) {
      return this.#plain(value, Object.prototype);
    }
    if (kind === undefined) throw this.#refusal(`is ${nameOfKind(value)}`);
    // The prototype is one of the kind's; a value that merely wears it fails where it is read.
    return wrap(kind.name, kind.pack(value as never, this));
  }

  /** Whether the value is what was thrown, no part of it, and has fields that tell something. */
  #isThrownItself(value: object): boolean {
    return (
      this.#limits.tolerant !== undefined &&
      this.#around.length === 1 &&
      Object.keys(value).length > 0
    );
  }

  #byteString(value: object): Uint8Array {
    if (value instanceof Uint8Array) return this.bytes(value.subarray());
    throw this.#refusal('is no byte array');
  }

  #list(list: readonly unknown[]): unknown[] {
    if (this.#limits.tolerant === undefined) {
      // Each item takes a byte at least: do not even list the keys of what cannot fit.
      if (list.length > this.#bytesLeft) throw this.#tooLarge();
      if (list.length > this.#itemsLeft) throw this.#tooMany();
      if (Object.keys(list).length > list.length) {
        throw this.#refusal('is a list with properties beside its items');
      }
    }
    return this.each(list, (item, index) => {
      // A hole would come back as `undefined`, which is not the same.
      if (item === undefined && !Object.hasOwn(list, index)) {
        throw this.#refusal(`is a list with a hole at ${index}`);
      }
      return this.within(index, item);
    });
  }

  #plain(value: object, prototype: object | null): unknown {
    const keys = this.#visibleKeys(value);
    if (prototype === null || !keys.every(isPlainKey)) {
      return wrap(
        prototype === null ? 'bare' : 'object',
        this.pairs(keys, (key) => [this.#key(key), this.own(value, key)]),
      );
    }
    const map: Record<string, unknown> = {};
    let count = 0;
    for (const key of keys) {
      if (this.#isCut(count)) {
        map[CUT] = CUT;
        break;
      }
      count += 1;
      this.#key(key);
      map[key] = this.own(value, key);
    }
    return map;
  }

  /** The keys that make up a plain object. Hidden properties are not part of its value. */
  #visibleKeys(value: object): readonly string[] {
    const keys = Object.keys(value);
    for (const key of Object.getOwnPropertySymbols(value)) {
      if (Object.getOwnPropertyDescriptor(value, key)?.enumerable === true) {
        throw this.#refusal(`has the key ${String(key)}`);
      }
    }
    if (keys.length === 0 && Reflect.ownKeys(value).length > 0) {
      throw this.#refusal('has nothing but hidden properties');
    }
    return keys;
  }

  #key(key: string): unknown {
    this.#spendItem();
    return this.text(key);
  }

  #isCut(count: number): boolean {
    const { tolerant } = this.#limits;
    if (tolerant === undefined) return false;
    return count >= tolerant.itemsMax || this.#bytesLeft < this.#itemBytes;
  }

  /** What stands in the place of something that cannot be stored. */
  #mark(refusal: unknown): string {
    const why = refusal instanceof HoldfastError ? refusal.why : undefined;
    const mark = `[${why ?? 'cannot be read'}]`;
    const bytes = utf8Length(mark);
    // Without it, the place would still be marked within what each item is counted for.
    if (bytes > this.#bytesLeft) return '[…]';
    this.#bytesLeft -= bytes;
    return mark;
  }

  #clip(text: string, tolerant: Tolerance): string {
    const { textBytesMax } = tolerant;
    const bytesMax = Math.min(textBytesMax, Math.floor(this.#bytesLeft / 2));
    let kept = text.slice(0, bytesMax);
    // UTF-8 takes at most three bytes for each UTF-16 unit.
    if (utf8Length(kept) > bytesMax) kept = text.slice(0, Math.floor(bytesMax / 3));
    if (kept.length === text.length) return text;
    // Ends before half a character, which would change how the text is stored.
    if (isWellFormed(text)) kept = kept.replace(/[\ud800-\udbff]$/, '');
    return `${kept}… [cut: ${text.length} characters]`;
  }

  #spend(bytes: number): void {
    if (bytes > this.#bytesLeft) throw this.#tooLarge();
    this.#bytesLeft -= bytes;
  }

  #spendItem(): void {
    this.#spend(this.#itemBytes);
    if (this.#itemsLeft === 0) throw this.#tooMany();
    this.#itemsLeft -= 1;
  }

  #tooMany(): HoldfastError {
    return this.#refusal(`passes the limit of ${VALUE_ITEMS_MAX} items`, {
      code: 'HF_VALUE_TOO_LARGE',
    });
  }

  #tooLarge(): HoldfastError {
    return this.#refusal(`passes the limit of ${this.#limits.bytesMax} bytes`, {
      code: 'HF_VALUE_TOO_LARGE',
    });
  }

  #refusal(why: string, { code = 'HF_VALUE_UNSUPPORTED', cause }: Refused = {}): HoldfastError {
    const path = this.#pathText(this.#path.length);
    return new HoldfastError(code, { why: `${path} ${why}`, details: { path }, cause });
  }

  #pathText(steps: number): string {
    const path = this.#limits.what + this.#path.slice(0, steps).map(stepText).join('');
    return path.length <= PATH_LENGTH_MAX ? path : `…${path.slice(-PATH_LENGTH_MAX)}`;
  }
}

function stepText(step: string | number): string {
  if (typeof step === 'number') return `[${step}]`;
  return /^[A-Za-z_$][\w$]*$/.test(step) ? `.${step}` : `[${JSON.stringify(step)}]`;
}

/** Whether a CBOR map brings this key back, and it cannot be taken for that of a wrapped value. */
function isPlainKey(key: string): boolean {
  return key !== '$' && key !== '__proto__' && isPlain(key);
}

function nameOfKind(value: object): string {
  if (value instanceof Promise) return 'a promise; is an await missing?';
  const { constructor } = value;
  const name = typeof constructor === 'function' ? constructor.name : '';
  return name === '' ? 'an instance of a class' : `an instance of ${name}`;
}
