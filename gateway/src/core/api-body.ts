import { HoldfastError, NAME_LENGTH_MAX } from '@holdfast/protocol';
import { LIMIT_DEFAULT, LIMIT_MAX } from './api-query.ts';
import type { EraseQuery, HeldQuery } from './fleet-views.ts';

const REASON_LENGTH_MAX = 512;

/** What is to be erased, from the body of a request. @throws HF_REQUEST_INVALID */
export function readEraseBody(body: unknown): EraseQuery {
  const { subject, by, reason } = fieldsOf(body, ['subject', 'by', 'reason']);
  return {
    subject: readText('subject', subject, NAME_LENGTH_MAX),
    by: readText('by', by, NAME_LENGTH_MAX),
    reason: reason === undefined ? '' : readText('reason', reason, REASON_LENGTH_MAX, 0),
  };
}

/** What is asked for, from the body of a request: a subject is no part of an address. */
export function readHeldBody(body: unknown): HeldQuery {
  const { subject, after, limit = LIMIT_DEFAULT } = fieldsOf(body, ['subject', 'after', 'limit']);
  if (typeof limit !== 'number' || !Number.isInteger(limit) || limit < 1 || limit > LIMIT_MAX) {
    throw refuseBody(`limit is not an integer from 1 to ${LIMIT_MAX}`);
  }
  if (after !== undefined && !(typeof after === 'string' && /^([0-9a-f]{2})+$/.test(after))) {
    throw refuseBody('after is not what the page before had as next');
  }
  return { subject: readText('subject', subject, NAME_LENGTH_MAX), after, limit };
}

/** The name of a key, from the body of a request. @throws HF_REQUEST_INVALID */
export function readKeyBody(body: unknown): string {
  const { key } = fieldsOf(body, ['key']);
  return readText('key', key, NAME_LENGTH_MAX);
}

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
