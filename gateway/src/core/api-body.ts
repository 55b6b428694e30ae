import { HoldfastError } from '@holdfast/protocol';

/** The fields of a JSON object, of which none may be unknown. `part`: where it is in the body. */
export function fieldsOf(
  body: unknown,
  allowed: readonly string[],
  part = '',
): Readonly<Record<string, unknown>> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    if (part !== '') throw refuseBody(`${part} is no JSON object`);
    throw refuseBody('the body is no JSON object, with the content type application/json');
  }
  const unknown = Object.keys(body).find((name) => !allowed.includes(name));
  if (unknown === undefined) return { ...body };
  throw refuseBody(`there is no field ${unknown} here; allowed are only ${allowed.join(', ')}`);
}

export function readText(name: string, value: unknown, lengthMax: number, lengthMin = 1): string {
  const fits = typeof value === 'string' && value.length >= lengthMin && value.length <= lengthMax;
  if (fits) return value;
  throw refuseBody(`${name} is no text of ${lengthMin} to ${lengthMax} characters`);
}

export function refuseBody(why: string): HoldfastError {
  return new HoldfastError('HF_REQUEST_INVALID', { why });
}
