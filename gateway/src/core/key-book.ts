import type { Sha256 } from '@holdfast/protocol';
import { awaitKey, awaitReads, noteCertificate, revokeKey, revokeReads } from './device-keys.ts';
import type { KeyLedger, LedgerKey } from './key-ledger.ts';
import { behind, keyKey, prefixOf } from './ledger-keys.ts';
import { decodeOrDamaged } from './ledger-reads.ts';
import { keyRow, type KeyRow } from './ledger-rows.ts';
import type { LedgerStore } from './ledger-store.ts';
import { rowsOf } from './ledger-verify.ts';
import type { DeviceRecord } from './ledger.ts';

const PAGE_ROWS = 1_024;

type Change<K extends 'awaitKey' | 'revokeKey' | 'noteCertificate'> = Parameters<KeyLedger[K]>[0];

/** The keys of devices, and their certificates, as rows of a ledger. */
export class KeyBook implements KeyLedger {
  readonly #store: LedgerStore;
  readonly #sha256: Sha256;

  constructor(store: LedgerStore, sha256: Sha256) {
    this.#store = store;
    this.#sha256 = sha256;
  }

  awaitKey(change: Change<'awaitKey'>): Promise<DeviceRecord | undefined> {
    return this.#store.submit({
      devices: [change.device],
      reads: (view) => awaitReads(view.device(change.device), change.key),
      bytes: 512,
      apply: (draft) => awaitKey(draft, change, this.#sha256),
    });
  }

  revokeKey(change: Change<'revokeKey'>): Promise<DeviceRecord | undefined> {
    const { device } = change;
    return this.#store.submit({
      devices: [device],
      reads: (view) => revokeReads(view.device(device), this.#sha256),
      bytes: 512,
      apply: (draft) => revokeKey(draft, change, this.#sha256),
    });
  }

  noteCertificate(change: Change<'noteCertificate'>): Promise<void> {
    return this.#store.submit({
      devices: [change.device],
      reads: () => [keyKey(change.device, change.key)],
      bytes: 512,
      apply: (draft) => noteCertificate(draft, change),
    });
  }

  async revokedCertificates(atMs: number): ReturnType<KeyLedger['revokedCertificates']> {
    const found: Awaited<ReturnType<KeyLedger['revokedCertificates']>>[number][] = [];
    for await (const { value } of rowsOf(this.#store, prefixOf('key'), PAGE_ROWS)) {
      const { certificates, revokedAtMs } = readKey(value);
      const valid = revokedAtMs === 0 ? [] : certificates.filter(({ toMs }) => toMs > atMs);
      found.push(...valid.map((each) => ({ ...each, revokedAtMs })));
    }
    return found;
  }

  async firstToExpire(): ReturnType<KeyLedger['firstToExpire']> {
    let first: Awaited<ReturnType<KeyLedger['firstToExpire']>>;
    for await (const { key, value } of rowsOf(this.#store, prefixOf('key'), PAGE_ROWS)) {
      const row = readKey(value);
      const toMs = newestToMs(row);
      if (toMs === 0 || row.revokedAtMs > 0 || toMs >= (first?.toMs ?? Infinity)) continue;
      first = { device: String.fromCharCode(...key.subarray(1, key.indexOf(0))), toMs };
    }
    return first;
  }

  async keys(device: string): Promise<readonly LedgerKey[]> {
    const prefix = prefixOf('key', device);
    const rows = await this.#store.scan({ from: prefix, to: behind(prefix), limit: PAGE_ROWS });
    return rows
      .map((row) => readKey(row.value))
      .map(shownOf)
      .toSorted((a, b) => a.sinceAtMs - b.sinceAtMs);
  }
}

function shownOf(row: KeyRow): LedgerKey {
  const { key, sinceAtMs, acceptedAtMs, revokedAtMs } = row;
  return { key, sinceAtMs, acceptedAtMs, revokedAtMs, certificateToMs: newestToMs(row) };
}

function newestToMs({ certificates }: KeyRow): number {
  return Math.max(0, ...certificates.map(({ toMs }) => toMs));
}

function readKey(value: Uint8Array): KeyRow {
  return decodeOrDamaged('a key of a device', () => keyRow.decode(value));
}
