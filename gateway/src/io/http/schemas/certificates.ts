import { boolean, integer, list, literal, nullable, string } from '@holdfast/protocol/json-schema';
import { answer, count, question, time } from './parts.ts';

/** The authority of a gateway, and what it issues. */

const pem = () => string({ description: 'PEM' });

export const caAnswer = answer({
  ...{ schema: literal('holdfast.ca/1'), at: time(), name: string(), fingerprint: string() },
  ...{ expiresAt: nullable(time()), certificates: pem() },
});

export const revocationsAnswer = answer({
  ...{ schema: literal('holdfast.revocations/1'), at: time(), count: count(), crl: pem() },
});

export const rotateBody = question({ distrust: boolean() }, {});

export const certificateBody = question(
  {
    name: string({ pattern: '^[A-Za-z0-9._-]{1,64}$', description: 'letters, digits, . _ or -' }),
    publicKey: string({ pattern: '^([0-9a-f]{2}){64,256}$', description: 'hex' }),
    hosts: list(string({ maxLength: 253 }), { maxItems: 32 }),
    expiresInSeconds: integer({ minimum: 3_600, maximum: 3_650 * 86_400 }),
  },
  {},
);
export const certificateAnswer = answer({
  ...{ schema: literal('holdfast.certificate/1'), at: time(), name: string() },
  ...{ expiresAt: nullable(time()), certificate: pem(), ca: pem() },
});
