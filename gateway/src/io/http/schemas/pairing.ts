import { boolean, list, literal, nullable, string, table } from '@holdfast/protocol/json-schema';
import { TAG_LENGTH_MAX, TAGS_MAX } from '../../../core/dispatch.ts';
import { enrolledAnswer } from './access.ts';
import { answer, question, text, time } from './parts.ts';

/** Devices that ask to be let in without a token. */

const hex = (least: number, most = least) =>
  string({ pattern: `^([0-9a-f]{2}){${least},${most}}$`, description: 'hex' });
const schema = <const T extends string>(name: T) => ({ schema: literal(name), at: time() });

export const pairBody = question(
  {
    ...{ device: string({ format: 'device' }), publicKey: hex(44, 256) },
    ...{ commitment: hex(32), signature: hex(64) },
  },
  {},
);
export const pairingBegun = answer({
  ...{ ...schema('holdfast.pairing-begun/1'), id: string(), publicKey: string() },
  ...{ certificate: string(), nonce: string() },
});
export const revealBody = question({ id: hex(16), nonce: hex(16) }, {});
export const pairingShown = answer({
  ...{ ...schema('holdfast.pairing-shown/1'), code: string(), expiresAt: nullable(time()) },
});
export const outcomeBody = question({ id: hex(16) }, {});
export const pairingOutcome = answer({
  ...{ ...schema('holdfast.pairing-outcome/1'), enrolled: nullable(enrolledAnswer) },
});

export const pairingsAnswer = answer({
  ...schema('holdfast.pairings/1'),
  pairings: list(
    answer({
      ...{ code: string(), device: string(), key: string(), from: string() },
      ...{ replaces: boolean(), expiresAt: nullable(time()) },
    }),
  ),
});
export const approveBody = question(
  {
    words: string({ maxLength: 100, description: 'what the device shows' }),
    replaces: boolean(),
    tags: table(text(TAG_LENGTH_MAX, 0), { maxProperties: TAGS_MAX }),
  },
  {},
);
export const pairingDecided = answer({
  ...{ ...schema('holdfast.pairing-decided/1'), code: string(), device: string() },
  approved: boolean(),
});
