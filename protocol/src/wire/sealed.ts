import { equalBytes } from '../base/bytes.ts';
import type { Sha256 } from '../base/ports.ts';
import { invalid } from '../base/schema.ts';
import { decodeCbor, encodeCbor } from './cbor.ts';
import { hmacSha256 } from './hmac.ts';
import { HASH_BYTES } from './lanes.ts';
import { valueBounds } from './value-bounds.ts';

/**
 * What an entry carries in the place of a value that was marked: enough to recognise the content,
 * nothing that tells it. So the bytes that are hashed, sent and kept stay the same for ever, and
 * the content can stay behind (`local`, `redacted`) or be deleted (`erasable`).
 */
export interface SealedValue {
  readonly kind: SealKind;
  /** HMAC-SHA-256 of the content, its key the salt: without that, nothing can be tried out. */
  readonly commitment: Uint8Array;
  /** Size of the content in bytes. */
  readonly size: number;
  /** `redacted`: the encoded value that leaves instead. */
  readonly shown: Uint8Array | undefined;
}

/** `local` and `redacted`: the content never leaves the device. `erasable`: it travels beside. */
export const sealKinds = ['local', 'redacted', 'erasable'] as const;
export type SealKind = (typeof sealKinds)[number];

export const SALT_BYTES = HASH_BYTES;

/** `{"$": kind`: how every sealed value begins, and no other value does. */
const heads = sealKinds.map((kind) => ({
  kind,
  bytes: encodeCbor({ $: kind }).map((byte, index) => (index === 0 ? 0xa2 : byte)),
}));

const HEAD_BYTES_MAX = 16;

/**
 * The encoded value that stands for `content`.
 *
 * @param seal.salt `SALT_BYTES` random bytes, kept with the content and nowhere else.
 * @param seal.shown The encoded value that leaves, for `redacted`.
 */
export function sealValue(
  sha256: Sha256,
  seal: {
    readonly kind: SealKind;
    readonly salt: Uint8Array;
    readonly content: Uint8Array;
    readonly shown?: Uint8Array | undefined;
  },
): Uint8Array {
  const { kind, salt, content, shown } = seal;
  const commitment = hmacSha256(sha256, salt, content);
  const tree = shown === undefined ? [] : [decodeCbor(shown, valueBounds)];
  return encodeCbor({ $: kind, v: [commitment, content.length, ...tree] });
}

/** Which kind of sealed value this is, from its first bytes; `undefined`: an open one. */
export function sealKindOf(encoded: Uint8Array): SealKind | undefined {
  // The cheap look first: nearly all values are open.
  if (encoded[0] !== 0xa2 || encoded[1] !== 0x61 || encoded[2] !== 0x24) return undefined;
  return heads.find(({ bytes }) => bytes.every((byte, index) => encoded[index] === byte))?.kind;
}

/** Whether there may be a sealed value in these bytes: a look at them instead of decoding them. */
export function mayHoldSealed(bytes: Uint8Array): boolean {
  const last = bytes.length - 3;
  for (let at = 0; at <= last; at += 1) {
    if (bytes[at] !== 0xa2 || bytes[at + 1] !== 0x61 || bytes[at + 2] !== 0x24) continue;
    if (sealKindOf(bytes.subarray(at, at + HEAD_BYTES_MAX)) !== undefined) return true;
  }
  return false;
}

/**
 * Reads a sealed value; `undefined`: it is an open one.
 *
 * @throws HF_MESSAGE_INVALID for one whose content is none of a sealed value.
 */
export function readSealed(encoded: Uint8Array): SealedValue | undefined {
  const kind = sealKindOf(encoded);
  if (kind === undefined) return undefined;
  // A map of two keys, as its first bytes say.
  const { v } = decodeCbor(encoded, valueBounds) as { readonly v?: unknown };
  const [commitment, size, shown]: readonly unknown[] = Array.isArray(v) ? v : [];
  if (!(commitment instanceof Uint8Array) || commitment.length !== HASH_BYTES) {
    throw invalid('the sealed value', 'has no commitment');
  }
  if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0) {
    throw invalid('the sealed value', 'has no size');
  }
  const leaves = kind === 'redacted' ? encodeCbor(shown) : undefined;
  return { kind, commitment, size, shown: leaves };
}

/** Whether this is what was sealed. */
export function isContentOf(
  sha256: Sha256,
  sealed: SealedValue,
  { salt, content }: { readonly salt: Uint8Array; readonly content: Uint8Array },
): boolean {
  if (content.length !== sealed.size) return false;
  return equalBytes(hmacSha256(sha256, salt, content), sealed.commitment);
}
