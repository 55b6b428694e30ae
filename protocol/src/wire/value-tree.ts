import { invalid } from '../base/schema.ts';

/**
 * Values travel as trees of plain CBOR. What JSON knows stands for itself, and so do `undefined`
 * and byte strings; all else is a map of two keys: `{"$": kind, "v": content}`.
 */
export interface Wrapped {
  readonly $: string;
  readonly v: unknown;
}

/** Turns a part of a decoded tree into the value it stands for, or into what people see. */
export type Walk = (tree: unknown) => unknown;

/** Reads one kind of wrapped content. */
export interface KindReader {
  readonly name: string;
  revive(content: unknown, revive: Walk): unknown;
  /** JSON for people. */
  show(content: unknown, show: Walk): unknown;
}

export function readText(content: unknown): string {
  if (typeof content !== 'string') throw invalid('the value', 'has no text where it needs one');
  return content;
}

/** Bytes of their own: what was decoded is a view of the message. */
export function readBytes(content: unknown): Uint8Array<ArrayBuffer> {
  if (!(content instanceof Uint8Array)) {
    throw invalid('the value', 'has no bytes where it needs them');
  }
  return new Uint8Array(content);
}

export function readList(content: unknown): readonly unknown[] {
  if (!Array.isArray(content)) throw invalid('the value', 'has no list where it needs one');
  return content;
}

export function readPairs(content: unknown): readonly (readonly [unknown, unknown])[] {
  return readList(content).map((item) => {
    const [key, value] = readList(item);
    return [key, value] as const;
  });
}

/** Sets a property whatever its name: `__proto__` too becomes an ordinary one. */
export function setOwn(target: object, key: string, value: unknown): void {
  Object.defineProperty(target, key, {
    value,
    writable: true,
    enumerable: true,
    configurable: true,
  });
}

export function showPairs(content: unknown, show: Walk): object {
  const shown = {};
  for (const [key, value] of readPairs(content)) setOwn(shown, String(show(key)), show(value));
  return shown;
}
