import { keyNameOf, type Sha256 } from '@holdfast/protocol';
import type { Draft } from './ledger-draft.ts';
import { keyKey } from './ledger-keys.ts';
import { keyRow } from './ledger-rows.ts';
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
  if (isOwn) return next;
  const known = draft.get(keyKey(device, key), keyRow);
  const row = { key, sinceAtMs: known?.sinceAtMs ?? 0, acceptedAtMs: atMs, revokedAtMs: 0 };
  draft.put(keyKey(device, key), keyRow.encode(row));
  return next;
}

/** Notes the first key of a device, which nobody has decided for. */
export function noteFirstKey(draft: Draft, { device, key, atMs }: KeyChange): void {
  const row = { key, sinceAtMs: atMs, acceptedAtMs: 0, revokedAtMs: 0 };
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
  const none = { sinceAtMs: 0, acceptedAtMs: 0, revokedAtMs: 0 };
  const old = draft.get(keyKey(device, before), keyRow) ?? { key: before, ...none };
  const now = draft.get(keyKey(device, key), keyRow) ?? { key, ...none };
  draft.put(keyKey(device, before), keyRow.encode({ ...old, revokedAtMs: atMs }));
  draft.put(keyKey(device, key), keyRow.encode({ ...now, sinceAtMs: atMs }));
  return { ...record, publicKey, awaitedKey: '', revokedKey: record.publicKey };
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
