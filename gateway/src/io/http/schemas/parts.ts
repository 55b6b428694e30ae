import { isDeviceId, lanes, NAME_LENGTH_MAX } from '@holdfast/protocol';
import { roles } from '../../../core/access/roles.ts';
import { LIMIT_DEFAULT, LIMIT_MAX } from '../../../core/api-query.ts';
import { answer, choice, count, integer, object } from '@holdfast/protocol/json-schema';
import { string, time, type Fields } from '@holdfast/protocol/json-schema';

/** Parts that the schemas of requests and answers are made of. */

/** What is asked: a field that is not known is a mistake, and told. */
export function question<R extends Fields, M extends Fields>(fields: R, maybe: M) {
  return object(fields, maybe, { additionalProperties: false });
}

export { answer, count, time };

export const lane = () => choice(lanes);
export const role = () => choice(roles);
export const text = (maxLength: number, minLength = 1) => string({ minLength, maxLength });
export const name = () => text(NAME_LENGTH_MAX);
export const limit = () => integer({ minimum: 1, maximum: LIMIT_MAX, default: LIMIT_DEFAULT });

/** Where a list goes on, as the page before has it. */
export const cursor = () =>
  string({ pattern: '^[A-Za-z0-9_-]{1,200}$', description: 'what the page before had as next' });

/** The id of something in an address. A text that cannot be one names none that is known. */
export const idParams = object({ id: string({ maxLength: 200 }) }, {});
export const namedParams = object({ name: string({ maxLength: 200 }) }, {});

export const formats: Readonly<Record<string, (text: string) => boolean>> = {
  'date-time': (given) =>
    /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?(Z|[+-]\d\d:\d\d)$/.test(given) &&
    !Number.isNaN(Date.parse(given)),
  device: isDeviceId,
};

/** RFC 9457, with the code of the catalogue and what to do. */
export const problem = answer({
  type: string(),
  title: string(),
  status: integer(),
  detail: string(),
  code: string({ description: 'stable, see docs/ERRORS.md' }),
  hint: string(),
});
