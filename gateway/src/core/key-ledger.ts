import type { DeviceRecord } from './ledger.ts';

/** A key that a device was known by, or is to be, by its name. Times are the gateway's; 0: not. */
export interface LedgerKey {
  readonly key: string;
  readonly sinceAtMs: number;
  /** When a person decided for it. */
  readonly acceptedAtMs: number;
  readonly revokedAtMs: number;
  /** When the newest certificate that was issued for it expires; 0: none was. */
  readonly certificateToMs: number;
}

/** A certificate, by its serial number. */
export interface CertificateNote {
  readonly serial: Uint8Array;
  /** When it expires. */
  readonly toMs: number;
}

/** What a ledger knows of the keys of devices. */
export interface KeyLedger {
  /**
   * Has the device be known by another key, by its name, from its next hello with that key on; from
   * then on the one before counts no more. The name of the key that counts takes back an earlier
   * decision. Durable once it resolves; `undefined`: the device was never seen.
   */
  awaitKey(change: {
    readonly device: string;
    readonly key: string;
    readonly atMs: number;
  }): Promise<DeviceRecord | undefined>;

  /**
   * Has the device's key count no more, and none in its place until one is awaited. What comes
   * under it later is for the quarantine. Durable once it resolves; `undefined`: never seen.
   */
  revokeKey(change: {
    readonly device: string;
    readonly atMs: number;
  }): Promise<DeviceRecord | undefined>;

  /** Keeps that a certificate was issued for a key of a device. Durable once it resolves. */
  noteCertificate(change: {
    readonly device: string;
    /** Name of the key. */
    readonly key: string;
    readonly certificate: CertificateNote;
    readonly atMs: number;
  }): Promise<void>;

  /** Certificates of keys that count no more, unless they have expired at `atMs`. */
  revokedCertificates(
    atMs: number,
  ): Promise<readonly (CertificateNote & { readonly revokedAtMs: number })[]>;

  /** Of the keys that count, the one whose newest certificate expires first. */
  firstToExpire(): Promise<{ readonly device: string; readonly toMs: number } | undefined>;

  /** Every key that a device was known by, or is to be. */
  keys(device: string): Promise<readonly LedgerKey[]>;
}
