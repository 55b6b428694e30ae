import { auditOutcomes, ENROL_USES_MAX } from '../../../core/access/access-rows.ts';
import { TAG_LENGTH_MAX, TAGS_MAX } from '../../../core/dispatch.ts';
import { choice, integer, list, literal, nullable } from '@holdfast/protocol/json-schema';
import { object, string, table } from '@holdfast/protocol/json-schema';
import { answer, count, cursor, limit, question, role, text, time } from './parts.ts';

/** Users, API tokens, sessions and the audit log. */

const SECONDS_MAX = 3_650 * 86_400;
/** Longer ones are refused with a reason of their own. */
const password = () => text(1_024);

const userFields = {
  ...{ name: string(), role: role(), createdAt: nullable(time()), createdBy: string() },
  changedAt: nullable(time()),
};

export const userBody = question({ name: text(64), role: role(), password: password() }, {});
export const userChangeBody = object(
  {},
  { role: role(), password: password() },
  { additionalProperties: false, minProperties: 1 },
);
export const usersAnswer = answer({
  ...{ schema: literal('holdfast.users/1'), at: time(), users: list(answer(userFields)) },
});
export const userAnswer = answer({
  ...{ schema: literal('holdfast.user/1'), at: time(), ...userFields },
});
export const userRemovedAnswer = answer({
  ...{ schema: literal('holdfast.user-removed/1'), at: time(), name: string() },
});

const tokenFields = {
  ...{ id: string(), name: string(), role: role() },
  state: choice(['valid', 'expired', 'revoked']),
  ...{ createdAt: nullable(time()), createdBy: string(), expiresAt: nullable(time()) },
  revokedAt: nullable(time()),
};

export const tokenBody = question(
  {
    ...{ name: text(64), role: role() },
    expiresInSeconds: nullable(integer({ minimum: 1, maximum: SECONDS_MAX })),
  },
  {},
);
export const tokensAnswer = answer({
  ...{ schema: literal('holdfast.tokens/1'), at: time(), tokens: list(answer(tokenFields)) },
});
export const tokenAnswer = answer({
  ...{ schema: literal('holdfast.token/1'), at: time(), ...tokenFields },
});
export const tokenMadeAnswer = answer({
  ...{ schema: literal('holdfast.token-made/1'), at: time(), ...tokenFields },
  token: string({ description: 'shown this once' }),
});

export const auditQuery = question({ limit: limit() }, { before: cursor() });

const record = answer({
  ...{ id: string(), at: nullable(time()), who: string(), from: string() },
  ...{ action: string(), target: string(), outcome: choice(auditOutcomes) },
  ...{ code: nullable(string()), endedAt: nullable(time()) },
});

export const auditAnswer = answer({
  ...{ schema: literal('holdfast.audit/1'), at: time(), records: list(record) },
  next: nullable(string()),
});

export const loginBody = question({ user: text(64), password: password() }, {});
export const sessionAnswer = answer({
  ...{ schema: literal('holdfast.session/1'), at: time(), who: string(), role: role() },
  expiresAt: nullable(time()),
});

const tags = () => table(text(TAG_LENGTH_MAX, 0), { maxProperties: TAGS_MAX });

const enrolmentFields = {
  ...{ id: string(), device: nullable(string()), uses: count(), enrolled: list(string()) },
  ...{ tags: tags(), state: choice(['valid', 'used', 'expired', 'revoked']) },
  ...{ createdAt: nullable(time()), createdBy: string(), expiresAt: nullable(time()) },
};

export const enrolmentBody = question(
  {
    device: nullable(string({ format: 'device' })),
    uses: integer({ minimum: 1, maximum: ENROL_USES_MAX, default: 1 }),
    expiresInSeconds: integer({ minimum: 1, maximum: 365 * 86_400, default: 3_600 }),
    tags: tags(),
  },
  {
    address: string({ pattern: '^https?://[^\\s/]{1,190}$', description: 'a URL without a path' }),
  },
);
export const enrolmentsAnswer = answer({
  ...{ schema: literal('holdfast.enrolments/1'), at: time() },
  enrolments: list(answer(enrolmentFields)),
});
export const enrolmentAnswer = answer({
  ...{ schema: literal('holdfast.enrolment/1'), at: time(), ...enrolmentFields },
});
export const enrolmentMadeAnswer = answer({
  ...{ schema: literal('holdfast.enrolment-made/1'), at: time(), ...enrolmentFields },
  token: string({ description: 'for `holdfast enroll` on the device; shown this once' }),
});

const hex = (least: number, most: number) =>
  string({ pattern: `^([0-9a-f]{2}){${least},${most}}$`, description: 'hex' });

/** What a device shows that is to be enrolled. */
export const enrollBody = question(
  {
    secret: string({ pattern: '^[0-9a-f]{16}_[0-9a-f]{40}$', description: 'of a token' }),
    ...{ publicKey: hex(44, 256), signature: hex(64, 64) },
  },
  { device: string({ format: 'device' }) },
);
export const enrolledAnswer = answer({
  ...{ schema: literal('holdfast.enrolled/1'), at: time(), device: string() },
  ...{ publicKey: string(), mqtt: string(), ca: nullable(string()), certificate: string() },
});

export const renewBody = question(
  {
    device: string({ format: 'device' }),
    ...{ publicKey: hex(44, 256), nonce: hex(16, 16), signature: hex(64, 64) },
  },
  {},
);
export const rotateBody = question(
  {
    ...{ device: string({ format: 'device' }), publicKey: hex(44, 256), next: hex(44, 256) },
    ...{ nonce: hex(16, 16), signature: hex(64, 64), proof: hex(64, 64) },
  },
  {},
);
export const renewedAnswer = answer({
  ...{ schema: literal('holdfast.renewed/1'), at: time(), device: string() },
  ...{ certificate: string(), ca: nullable(string()), signature: string() },
});
