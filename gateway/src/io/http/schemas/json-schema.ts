declare const type: unique symbol;

/**
 * A JSON Schema that says, to the compiler, of which type it is: what checks a request is what
 * describes it, and what its handler is given.
 */
export interface JsonSchema<T> {
  readonly [keyword: string]: unknown;
  readonly [type]?: T;
}

export type TypeOf<S> = S extends JsonSchema<infer T> ? T : never;

export type Fields = Readonly<Record<string, JsonSchema<unknown>>>;

/** An object with these fields and, where it has them, those that may be. */
export interface ObjectSchema<R extends Fields, M extends Fields> extends JsonSchema<
  { readonly [K in keyof R]: TypeOf<R[K]> } & {
    readonly [K in keyof M]?: TypeOf<M[K]> | undefined;
  }
> {
  readonly properties: R & M;
}

export function object<R extends Fields, M extends Fields>(
  fields: R,
  maybe: M,
  rules: object = {},
): ObjectSchema<R, M> {
  const properties = { ...fields, ...maybe };
  // What has a default has a value, whether it was given or not.
  const required = Object.keys(fields).filter((name) => !('default' in (fields[name] ?? {})));
  const all = required.length === 0 ? {} : { required };
  return { type: 'object', properties, ...all, ...rules };
}

export const string = (rules: object = {}): JsonSchema<string> => ({ type: 'string', ...rules });
export const integer = (rules: object = {}): JsonSchema<number> => ({ type: 'integer', ...rules });
export const number = (): JsonSchema<number> => ({ type: 'number' });
export const boolean = (): JsonSchema<boolean> => ({ type: 'boolean' });
export const anything = (rules: object = {}): JsonSchema<unknown> => ({ ...rules });

export function literal<const T extends string>(text: T): JsonSchema<T> {
  return { type: 'string', const: text };
}

export function choice<const T extends string>(words: readonly T[]): JsonSchema<T> {
  return { type: 'string', enum: words };
}

export function list<T>(items: JsonSchema<T>, rules: object = {}): JsonSchema<readonly T[]> {
  return { type: 'array', items, ...rules };
}

/** An object whose fields have names of any kind. */
export function table<T>(
  values: JsonSchema<T>,
  rules: object = {},
): JsonSchema<Readonly<Record<string, T>>> {
  return { type: 'object', additionalProperties: values, ...rules };
}

export function nullable<T>(schema: JsonSchema<T>): JsonSchema<T | null> {
  return { anyOf: [schema, { type: 'null' }] };
}
