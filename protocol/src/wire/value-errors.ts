import { HoldfastError, isErrorCode } from '../base/errors.ts';
import { invalid } from '../base/schema.ts';
import type { ValueKind } from './value-kinds.ts';
import type { Packer } from './value-pack.ts';
import { platform } from './value-platform.ts';
import { readList, readPairs, readText, setOwn, showPairs, type Walk } from './value-tree.ts';

/** The decoded content of an error. `class` is absent where it is the same as `name`. */
interface ErrorTree {
  readonly class?: unknown;
  readonly name?: unknown;
  readonly message?: unknown;
  readonly stack?: unknown;
  readonly cause?: unknown;
  readonly errors?: unknown;
  /** Own enumerable properties, as pairs. */
  readonly fields?: unknown;
}

interface Making {
  readonly message: string | undefined;
  readonly name: string;
  readonly code: unknown;
}

/** The classes an error keeps. Each makes one without looking at more than it needs. */
const classes: readonly {
  readonly name: string;
  readonly prototype: object;
  make(making: Making): Error;
}[] = [
  ...[EvalError, RangeError, ReferenceError, SyntaxError, TypeError, URIError, Error].map(
    (Builtin) => ({
      name: Builtin.name,
      prototype: Builtin.prototype,
      make: ({ message }: Making) => new Builtin(message),
    }),
  ),
  {
    name: 'AggregateError',
    prototype: AggregateError.prototype,
    make: ({ message }) => new AggregateError([], message),
  },
  {
    name: 'HoldfastError',
    prototype: HoldfastError.prototype,
    // A code of a newer version: an Error of that name and code, so that nothing is lost.
    make: ({ message, code }) => (isErrorCode(code) ? new HoldfastError(code) : new Error(message)),
  },
  ...(platform.DOMException === undefined ? [] : [domException(platform.DOMException)]),
];

function domException(DOMException: NonNullable<typeof platform.DOMException>) {
  return {
    name: 'DOMException',
    prototype: DOMException.prototype as object,
    make: ({ message, name }: Making) => new DOMException(message, name),
  };
}

const classByPrototype = new Map(classes.map((each) => [each.prototype, each.name]));
const classByName = new Map(classes.map((each) => [each.name, each]));

/** The nearest class that an error keeps. */
function className(error: object): string {
  for (let at: object | null = error; at !== null; at = Object.getPrototypeOf(at)) {
    const name = classByPrototype.get(at);
    if (name !== undefined) return name;
  }
  return 'Error';
}

/** Whether this is an error, of any class and from any realm. */
export function isError(value: object): boolean {
  return value instanceof Error || Object.prototype.toString.call(value) === '[object Error]';
}

function pack(error: Error, packer: Packer): unknown {
  const known = className(error);
  const tree: Record<string, unknown> = { name: packer.read(error, 'name') };
  if (tree['name'] !== known) tree['class'] = known;
  const message = packer.read(error, 'message');
  if (message !== '' || Object.hasOwn(error, 'message')) tree['message'] = message;
  const stack = packer.read(error, 'stack');
  if (typeof stack === 'string') tree['stack'] = stack;
  for (const key of ['cause', 'errors']) {
    const descriptor = Object.getOwnPropertyDescriptor(error, key);
    if (descriptor?.enumerable === false) tree[key] = packer.own(error, key, descriptor);
  }
  const fields = packer.pairs(Object.keys(error), (key) => [
    packer.pack(key),
    packer.own(error, key),
  ]);
  if (fields.length > 0) tree['fields'] = fields;
  return tree;
}

function readTree(content: unknown): ErrorTree {
  if (typeof content !== 'object' || content === null || Array.isArray(content)) {
    throw invalid('the value', 'has an error that is no map');
  }
  return content;
}

function revive(content: unknown, walk: Walk): Error {
  const tree = readTree(content);
  const name = walk(tree.name);
  const message = walk(tree.message);
  const fields = readPairs(tree.fields ?? []).map(
    ([key, value]) => [readText(walk(key)), walk(value)] as const,
  );
  const made = classByName.get(String(tree.class ?? tree.name)) ?? classByName.get('Error');
  const error = made?.make({
    message: typeof message === 'string' ? message : undefined,
    name: typeof name === 'string' ? name : 'Error',
    code: fields.find(([key]) => key === 'code')?.[1],
  });
  if (error === undefined) throw invalid('the value', 'has an error of no class');

  // First of all: as long as there is its own stack, that is made of name and message, late.
  setHidden(error, 'stack', tree.stack === undefined ? String(error) : walk(tree.stack));
  if (error.message !== message && 'message' in tree) setHidden(error, 'message', message);
  if (error.name !== name) setHidden(error, 'name', name);
  if ('cause' in tree) setHidden(error, 'cause', walk(tree.cause));
  if ('errors' in tree) setHidden(error, 'errors', walk(tree.errors));
  for (const [key, value] of fields) setOwn(error, key, value);
  return error;
}

/** Sets what errors have without showing it among their keys. */
function setHidden(error: Error, key: string, value: unknown): void {
  Object.defineProperty(error, key, {
    value,
    writable: true,
    enumerable: false,
    configurable: true,
  });
}

function show(content: unknown, walk: Walk): unknown {
  const tree = readTree(content);
  return {
    $: 'error',
    ...showPairs(tree.fields ?? [], walk),
    name: walk(tree.name),
    message: walk(tree.message ?? ''),
    ...('cause' in tree ? { cause: walk(tree.cause) } : {}),
    ...('errors' in tree ? { errors: readList(tree.errors).map(walk) } : {}),
    ...('stack' in tree ? { stack: walk(tree.stack) } : {}),
  };
}

export const errorKind: ValueKind<Error> = {
  name: 'error',
  prototypes: classes.map((each) => each.prototype),
  pack,
  revive,
  show,
};
