const REDACTED = '[redacted]';

/**
 * A copy of a value with `[redacted]` at each of the paths: keys with dots between them, `*` for
 * every key or index. What a path names and is not there stays so; where something stands that has
 * no keys to go on with, all of it is replaced, since nobody knows what is in it.
 */
export function redactPaths(paths: readonly string[]): (value: unknown) => unknown {
  const routes = paths.map((path) => path.split('.'));
  return (value) => routes.reduce(redact, value);
}

function redact(value: unknown, [key, ...rest]: readonly string[]): unknown {
  if (value === undefined || value === null) return value;
  if (key === undefined) return REDACTED;
  if (Array.isArray(value)) {
    const items: readonly unknown[] = value;
    return items.map((item, index) => (isAt(key, String(index)) ? redact(item, rest) : item));
  }
  if (!isPlain(value)) return REDACTED;
  const pairs = Object.entries(value).map(([name, item]) => {
    return [name, isAt(key, name) ? redact(item, rest) : item] as const;
  });
  return Object.fromEntries(pairs);
}

function isAt(key: string, name: string): boolean {
  return key === '*' || key === name;
}

function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === null;
}
