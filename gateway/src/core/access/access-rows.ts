import {
  HASH_BYTES,
  PAIRING_NONCE_BYTES,
  bytes,
  choice,
  concat,
  list,
  record,
  text,
  uint,
  type Infer,
} from '@holdfast/protocol';
import { row } from '../ledger-rows.ts';
import { roles } from './roles.ts';

/**
 * Keys of the store of users, tokens, sessions and of the audit log:
 *
 *   meta     'm' name         → format
 *   user     'u' name         → user
 *   token    't' id           → API token
 *   session  's' hash         → session of a user, by the hash of its secret
 *   enrol    'e' id           → token that enrols devices, and which ones it has
 *   audit    'a' time random  → what was asked for, by whom, and what came of it
 *   pairing  'p' id           → device that asks to be let in without a token
 *   attempt  'x' hash         → how often something was tried in vain, by the hash of who did
 *
 * Nothing in it lets anybody in: passwords and secrets are there as hashes only.
 */
const letters = {
  ...{ meta: 'm', user: 'u', token: 't', session: 's', enrol: 'e', audit: 'a' },
  ...{ pairing: 'p', attempt: 'x' },
} as const;

export type AccessTable = keyof typeof letters;

/** What is worth a copy: not what says which format one store has, nor what is over in minutes. */
export const accessTables = ['user', 'token', 'session', 'enrol', 'audit'] as const;

const ascii = (part: string): Uint8Array => Uint8Array.from(part, (char) => char.charCodeAt(0));

export function accessKey(table: AccessTable, id: string | Uint8Array): Uint8Array {
  return concat([ascii(letters[table]), typeof id === 'string' ? ascii(id) : id]);
}

/** All keys of a table lie in it. */
export function accessRange(table: AccessTable): {
  readonly from: Uint8Array;
  readonly to: Uint8Array;
} {
  const letter = letters[table].charCodeAt(0);
  return { from: Uint8Array.of(letter), to: Uint8Array.of(letter + 1) };
}

const AUDIT_RANDOM_BYTES = 8;

/** Orders by time; two gateways never make the same. */
export function auditKey(atMs: number, random: Uint8Array): Uint8Array {
  const time = new Uint8Array(8);
  new DataView(time.buffer).setBigUint64(0, BigInt(atMs));
  return accessKey('audit', concat([time, random.subarray(0, AUDIT_RANDOM_BYTES)]));
}

/** Names of users and tokens: they stand in lines and in addresses. */
export const accessName = /^[A-Za-z0-9][A-Za-z0-9._@-]{0,63}$/;

const name = text(64);
/** Who did something: `user:`, `token:` or `local:` and a name. */
const actor = text(96);

const userFields = record({
  name,
  role: choice(roles),
  /** As the port that hashes passwords made it. */
  password: text(512),
  createdAtMs: uint(),
  createdBy: actor,
  changedAtMs: uint(),
});
export const userRow = row('user', userFields);
export type UserRow = Infer<typeof userFields>;

const tokenFields = record({
  id: text(32),
  name,
  role: choice(roles),
  secretHash: bytes(HASH_BYTES, true),
  createdAtMs: uint(),
  createdBy: actor,
  /** 0: never. */
  expiresAtMs: uint(),
  /** 0: it was not. */
  revokedAtMs: uint(),
});
export const tokenRow = row('token', tokenFields);
export type TokenRow = Infer<typeof tokenFields>;

const sessionFields = record({ user: name, createdAtMs: uint(), expiresAtMs: uint() });
export const sessionRow = row('session', sessionFields);
export type SessionRow = Infer<typeof sessionFields>;

export const ENROL_USES_MAX = 1_000;

const enrolFields = record({
  id: text(32),
  secretHash: bytes(HASH_BYTES, true),
  /** The device that it is for; empty: any that is not known yet. */
  device: text(64),
  uses: uint(ENROL_USES_MAX),
  /** `device/name of its key` of each that it has enrolled. */
  used: list(text(128), ENROL_USES_MAX),
  /** What these devices get. */
  tags: list(record({ name: text(64), value: text(64) }), 32),
  createdAtMs: uint(),
  createdBy: actor,
  expiresAtMs: uint(),
  /** 0: it was not. */
  revokedAtMs: uint(),
});
export const enrolRow = row('enrol', enrolFields, 3 * ENROL_USES_MAX);
export type EnrolRow = Infer<typeof enrolFields>;

/** `begun`: the process ended before it could tell what came of it. */
export const auditOutcomes = ['begun', 'done', 'denied', 'failed'] as const;

const auditFields = record({
  atMs: uint(),
  who: actor,
  /** Address it came from; empty: from this machine, without the network. */
  from: text(64),
  action: text(64),
  target: text(256),
  outcome: choice(auditOutcomes),
  /** Why it failed: a code of the catalogue, or empty. */
  code: text(64),
  endedAtMs: uint(),
});
export const auditRow = row('audit', auditFields);
export type AuditRow = Infer<typeof auditFields>;

export const pairingStates = ['waiting', 'approved', 'denied'] as const;

const pairingFields = record({
  /** What the device shows it is that asked; nobody else knows it. */
  id: bytes(PAIRING_NONCE_BYTES, true),
  device: text(64),
  /** Address it came from. */
  from: text(64),
  publicKey: bytes(256),
  commitment: bytes(HASH_BYTES, true),
  gatewayNonce: bytes(PAIRING_NONCE_BYTES, true),
  /** SHA-256, in hex, of what the gateway that was asked is known by; empty: nothing. */
  certificate: text(64),
  expiresAtMs: uint(),
  /** Empty: the device has not shown its part yet. */
  code: text(16),
  words: text(64),
  wrongWords: uint(),
  state: choice(pairingStates),
});
export const pairingRow = row('pairing', pairingFields);
export type PairingRow = Infer<typeof pairingFields>;

const attemptFields = record({ count: uint(), untilMs: uint() });
export const attemptRow = row('attempt', attemptFields);
export type AttemptRow = Infer<typeof attemptFields>;

export const accessFormatRow = row('format', record({ product: text(32), format: uint() }));
