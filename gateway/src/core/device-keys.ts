import { NO_BYTES, equalBytes, keyNameOf, type Sha256 } from '@holdfast/protocol';
import type { CertificateNote } from './key-ledger.ts';
import type { Draft } from './ledger-draft.ts';
import { keyKey } from './ledger-keys.ts';
import { CERTIFICATES_MAX, keyRow, type KeyRow } from './ledger-rows.ts';
import type { DeviceRecord } from './ledger.ts';

interface KeyChange {
  readonly device: string;
  /** Name of the key. */
  readonly key: string;
  readonly atMs: number;
}

/** Notes that a person has decided for a key: the device is known by it from its next hello on. */
export function awaitKey(
  draft: Draft,
  { device, key, atMs }: KeyChange,
  sha256: Sha256,
): DeviceRecord | undefined {
  const record = draft.device(device);
  if (record === undefined) return undefined;
  const isOwn = keyNameOf(sha256, record.publicKey) === key;
  const next = { ...record, awaitedKey: isOwn ? '' : key };
  draft.setDevice(next);
  const { awaitedKey: before } = record;
  if (before !== '' && before !== key) {
    // It may have a certificate already.
    const row = { ...knownKey(draft, device, before), revokedAtMs: atMs };
    draft.put(keyKey(device, before), keyRow.encode(row));
  }
  if (isOwn) return next;
  const known = knownKey(draft, device, key);
  const row = { ...known, acceptedAtMs: atMs, revokedAtMs: 0 };
  draft.put(keyKey(device, key), keyRow.encode(row));
  return next;
}

function knownKey(draft: Draft, device: string, key: string): KeyRow {
  const none = { key, sinceAtMs: 0, acceptedAtMs: 0, revokedAtMs: 0, certificates: [] };
  return draft.get(keyKey(device, key), keyRow) ?? none;
}

/** Has the key of a device count no more, and none in its place. Again, it changes nothing. */
export function revokeKey(
  draft: Draft,
  { device, atMs }: Omit<KeyChange, 'key'>,
  sha256: Sha256,
): DeviceRecord | undefined {
  const record = draft.device(device);
  if (record === undefined) return undefined;
  const isKnown = record.publicKey.byteLength > 0;
  const revokedKey = isKnown ? record.publicKey : record.revokedKey;
  const next = { ...record, publicKey: NO_BYTES, awaitedKey: '', revokedKey };
  draft.setDevice(next);
  const counted = isKnown ? [keyNameOf(sha256, record.publicKey)] : [];
  for (const key of [...counted, ...(record.awaitedKey === '' ? [] : [record.awaitedKey])]) {
    const row = { ...knownKey(draft, device, key), revokedAtMs: atMs };
    draft.put(keyKey(device, key), keyRow.encode(row));
  }
  return next;
}

/** Keeps the newest certificates of a key. */
export function noteCertificate(
  draft: Draft,
  { device, key, atMs, certificate }: KeyChange & { readonly certificate: CertificateNote },
): void {
  const known = knownKey(draft, device, key);
  const valid = known.certificates.filter(({ toMs }) => toMs > atMs);
  const certificates = [...valid, certificate].slice(-CERTIFICATES_MAX);
  draft.put(keyKey(device, key), keyRow.encode({ ...known, certificates }));
}

/** Notes the first key of a device, which nobody has decided for. */
export function noteFirstKey(draft: Draft, { device, key, atMs }: KeyChange): void {
  const row = { ...knownKey(draft, device, key), sinceAtMs: atMs };
  draft.put(keyKey(device, key), keyRow.encode(row));
}

/**
 * The device has greeted with the key that was awaited: it counts from now on, and the one before
 * it no more.
 */
export function replaceKey(
  draft: Draft,
  record: DeviceRecord,
  change: { readonly publicKey: Uint8Array; readonly atMs: number; readonly sha256: Sha256 },
): DeviceRecord {
  const { publicKey, atMs, sha256 } = change;
  const { device } = record;
  const [before, key] = [keyNameOf(sha256, record.publicKey), keyNameOf(sha256, publicKey)];
  const wasRevoked = record.publicKey.byteLength === 0;
  if (!wasRevoked) {
    const old = { ...knownKey(draft, device, before), revokedAtMs: atMs };
    draft.put(keyKey(device, before), keyRow.encode(old));
  }
  draft.put(
    keyKey(device, key),
    keyRow.encode({ ...knownKey(draft, device, key), sinceAtMs: atMs }),
  );
  const old = wasRevoked ? record.revokedKey : record.publicKey;
  // It was revoked by mistake, maybe, and counts again.
  const revokedKey = equalBytes(old, publicKey) ? NO_BYTES : old;
  return { ...record, publicKey, awaitedKey: '', revokedKey };
}

/** The rows that `awaitKey` reads. */
export function awaitReads(record: DeviceRecord | undefined, key: string): Uint8Array[] {
  if (record === undefined) return [];
  const names = [key, record.awaitedKey].filter((name) => name !== '');
  return names.map((name) => keyKey(record.device, name));
}

/** The rows that `revokeKey` reads. */
export function revokeReads(record: DeviceRecord | undefined, sha256: Sha256): Uint8Array[] {
  if (record === undefined) return [];
  const awaited = record.awaitedKey === '' ? [] : [keyKey(record.device, record.awaitedKey)];
  return [...keyRowsRead(record.device, [record.publicKey], sha256), ...awaited];
}

/** The rows that these functions read. */
export function keyRowsRead(
  device: string,
  keys: readonly (Uint8Array | undefined)[],
  sha256: Sha256,
): Uint8Array[] {
  const known = keys.filter((key) => key !== undefined);
  return known.map((key) => keyKey(device, keyNameOf(sha256, key)));
}
