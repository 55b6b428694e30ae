import { HoldfastError } from '@holdfast/protocol';
import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify';
import { Ajv, type ErrorObject, type ValidateFunction } from './fastify.ts';
import { formats } from './schemas/parts.ts';

const common = { verbose: true, useDefaults: true, strict: true, formats } as const;

/** The text of a query says numbers, and a list of one; a body has them as they are. */
const ofText = new Ajv({ ...common, coerceTypes: 'array' });
const ofJson = new Ajv(common);

/** What a request says must be as the schema of its route has it. */
export const compileValidator: FastifySchemaCompiler<object> = ({ schema, httpPart }) => {
  const isBody = httpPart === 'body';
  let compiled: ValidateFunction | undefined;
  return (given: unknown) => {
    // A start does not wait for the code of routes that nobody has asked for yet.
    const check = (compiled ??= (isBody ? ofJson : ofText).compile(schema));
    if (check(given)) return { value: given };
    const [first] = check.errors ?? [];
    const why = first === undefined ? 'it is not as it must be' : told(first, isBody);
    return { error: new HoldfastError('HF_REQUEST_INVALID', { why }) };
  };
};

/** Leaves an error of ours as it is. */
export function keepError(errors: FastifySchemaValidationError[]): Error {
  return errors instanceof Error ? errors : new HoldfastError('HF_REQUEST_INVALID');
}

/** What is wrong, in a sentence. */
function told(error: ErrorObject, isBody: boolean): string {
  const { keyword, params, instancePath, parentSchema = {} } = error;
  const name = instancePath.slice(1).replaceAll('/', '.') || 'the body';
  switch (keyword) {
    case 'additionalProperties': {
      const what = isBody ? 'field' : 'parameter';
      const known = Object.keys((parentSchema['properties'] as object | undefined) ?? {});
      const allowed = known.length === 0 ? `no ${what}s` : `only ${known.join(', ')}`;
      return `there is no ${what} ${params['additionalProperty']} here; allowed are ${allowed}`;
    }
    case 'required':
      return `${params['missingProperty']} is missing`;
    case 'minProperties':
      return `none of ${Object.keys(parentSchema['properties'] as object).join(', ')} is given`;
    default:
      return name === 'the body'
        ? 'the body is no JSON object, with the content type application/json'
        : `${name} ${Array.isArray(error.data) ? repeated(error) : expected(error)}`;
  }
}

function repeated({ keyword, params }: ErrorObject): string {
  return keyword === 'maxItems'
    ? `has more than ${params['limit']} values`
    : 'is given more than once';
}

function expected({ data, parentSchema = {} }: ErrorObject): string {
  const { type, minimum, maximum, minLength = 0, maxLength } = parentSchema;
  const given = JSON.stringify(data)?.slice(0, 80) ?? 'nothing';
  const { enum: words, description } = parentSchema;
  if (Array.isArray(words)) return `is ${given}, not one of ${words.join(', ')}`;
  if (type === 'integer') return `is ${given}, not an integer from ${minimum} to ${maximum}`;
  if (typeof description === 'string') return `is not ${description}`;
  if (parentSchema['format'] === 'date-time') return `is ${given}, not a time as RFC 3339 has it`;
  if (parentSchema['format'] === 'device') return `is ${given}, not the id of a device`;
  if (maxLength !== undefined) return `is no text of ${minLength} to ${maxLength} characters`;
  return `is ${given}, which it cannot be`;
}
