import { checkLevels } from './check-report.ts';

declare const type: unique symbol;

/**
 * A JSON Schema that says, to the compiler, of which type it is: what checks a request or an output
 * is what describes it, and what its handler is given.
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

export function choice<const T extends string>(
  words: readonly T[],
  rules: object = {},
): JsonSchema<T> {
  return { type: 'string', enum: words, ...rules };
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

/** The same, with a sentence for whoever reads the schema. */
export function described<T>(schema: JsonSchema<T>, description: string): JsonSchema<T> {
  return { ...schema, description };
}

/** What is answered or printed. Fields are added: a reader ignores those that it does not know. */
export const answer = <R extends Fields>(fields: R) => object(fields, {});

export const count = () => integer({ minimum: 0, maximum: Number.MAX_SAFE_INTEGER });
export const time = () => string({ format: 'date-time' });

/** The object that a command prints for programs, and which commands do. */
export interface Output {
  /** `properties.schema` has its name and version. */
  readonly schema: ObjectSchema<{ readonly schema: JsonSchema<string> }, Fields>;
  /** As they are typed, without the name of the program. */
  readonly commands: readonly string[];
}

const explanation = {
  ...{ schema: literal('holdfast.explain/1'), code: string(), message: string() },
  retry: choice(['later', 'never', 'restart']),
  hint: string(),
};

const explanations = answer({
  ...{ schema: literal('holdfast.explain-list/1'), codes: list(answer(explanation)) },
});

const versions = answer({
  ...{ schema: literal('holdfast.version/1'), version: string() },
  protocol: answer({ min: count(), max: count() }),
  node: string(),
});

const level = choice(checkLevels);
const limit = described(nullable(number()), 'from where on; null: never');
const checkValue = answer({
  ...{ name: string(), value: number(), unit: choice(['', 's', 'B', '%']) },
  ...{ warn: limit, critical: limit, isLeast: described(boolean(), 'less is worse') },
});
const checkResult = answer({
  ...{ subject: string(), level, text: string(), values: list(checkValue) },
});

/** What the `check` of a program prints. */
export const checkAnswer = object(
  {
    ...{ schema: literal('holdfast.check/1'), level, text: string() },
    checks: described(list(checkResult), 'one for each subject'),
  },
  { device: described(string(), 'absent: of a fleet, or it could not be asked') },
);

/** By the names of the options that it has values for. */
const contextPart = () => nullable(table(string()));
const contextFields = {
  ...{ name: string(), device: contextPart(), gateway: contextPart(), isCurrent: boolean() },
};
const context = answer({ schema: literal('holdfast.context/1'), ...contextFields });
const contexts = answer({
  ...{ schema: literal('holdfast.contexts/1'), file: nullable(string()) },
  contexts: list(answer(contextFields)),
});

/** What those print that talk to an agent or a gateway. */
export const contextOutputs: readonly Output[] = [
  { schema: contexts, commands: ['context ls'] },
  { schema: context, commands: ['context set', 'context use', 'context rm'] },
];

/** What each of the programs prints of itself. */
export const ownOutputs: readonly Output[] = [
  { schema: answer(explanation), commands: ['explain'] },
  { schema: explanations, commands: ['explain'] },
  { schema: versions, commands: ['version'] },
];
