import { faultKinds, type FaultKindFacts } from './fault-kinds.ts';
import { COUNT_MAX, scenarioFields, type FieldType } from './scenario-fields.ts';

type Schema = Readonly<Record<string, unknown>>;

const ofTypes: Readonly<Record<FieldType, Schema>> = {
  duration: { type: 'string', pattern: String.raw`^\s*\d+(\.\d+)?\s*(ms|s|m|h|d|w)\s*$` },
  count: { type: 'integer', minimum: 1, maximum: COUNT_MAX },
  share: { type: 'number', minimum: 0, maximum: 1 },
  number: { type: 'number', exclusiveMinimum: 0 },
  text: { type: 'string', minLength: 1 },
};

interface Described {
  readonly type: FieldType;
  readonly about: string;
}

function fieldsOf(fields: Readonly<Record<string, Described>>): Readonly<Record<string, Schema>> {
  return Object.fromEntries(
    Object.entries(fields).map(([key, { type, about }]) => [
      key,
      { ...ofTypes[type], description: about },
    ]),
  );
}

function table(properties: Readonly<Record<string, Schema>>, more: Schema = {}): Schema {
  return { type: 'object', properties, additionalProperties: false, ...more };
}

/** The files of scenarios as a JSON Schema (2020-12), for editors that know TOML by it. */
export function scenarioSchema(): Schema {
  const { '': top = {}, ...tables } = scenarioFields;
  const start = table(
    { workflow: ofTypes.text, every: ofTypes.duration, input: {} },
    { required: ['workflow', 'every'] },
  );
  const own = Object.entries(tables).map(([name, fields]) => [name, table(fieldsOf(fields))]);
  const kinds: readonly (readonly [string, FaultKindFacts])[] = Object.entries(faultKinds);
  const faults = { type: 'array', items: { anyOf: kinds.map(faultOf) } };
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    title: 'A scenario of holdfast-sim',
    ...table({
      ...fieldsOf(top),
      ...(Object.fromEntries(own) as Readonly<Record<string, Schema>>),
      start: { type: 'array', items: start },
      fault: faults,
    }),
  };
}

function faultOf([kind, { of, about, params }]: readonly [string, FaultKindFacts]): Schema {
  const { duration, count } = ofTypes;
  const properties = {
    kind: { const: kind, description: about },
    every: { ...duration, description: 'again and again, at random around this average' },
    at: {
      anyOf: [duration, { type: 'array', items: duration }],
      description: 'at these moments',
    },
    for: { ...duration, description: 'how long it lasts' },
    ...(of === 'device' ? { devices: { ...count, description: 'to the first so many' } } : {}),
    ...fieldsOf(params),
  };
  const oneOf = [{ required: ['every'] }, { required: ['at'] }];
  return table(properties, { required: ['kind', 'for'], oneOf });
}
