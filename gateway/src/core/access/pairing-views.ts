/** What a device is told that asks to be let in. Bytes are hex. */
export interface PairingBegunView {
  readonly schema: 'holdfast.pairing-begun/1';
  readonly at: string;
  /** Names the pairing; nobody else knows it. */
  readonly id: string;
  readonly publicKey: string;
  /** SHA-256 of what the device is to know the API by; empty: it has no TLS. */
  readonly certificate: string;
  readonly nonce: string;
}

/** What it shows to a person. */
export interface PairingShownView {
  readonly schema: 'holdfast.pairing-shown/1';
  readonly at: string;
  readonly code: string;
  readonly expiresAt: string | null;
}

/** A device that waits to be let in. */
export interface PairingView {
  readonly code: string;
  readonly device: string;
  /** Name of its key. */
  readonly key: string;
  /** Address that it came from. */
  readonly from: string;
  /** The gateway knows a device of this name by another key. */
  readonly replaces: boolean;
  readonly expiresAt: string | null;
}

export interface PairingsView {
  readonly schema: 'holdfast.pairings/1';
  readonly at: string;
  readonly pairings: readonly PairingView[];
}

export interface PairingDecidedView {
  readonly schema: 'holdfast.pairing-decided/1';
  readonly at: string;
  readonly code: string;
  readonly device: string;
  readonly approved: boolean;
}

export interface PairingApproval {
  /** As the device shows it. */
  readonly code: string;
  readonly words: string;
  /** Let in a device that is known by another key, which then counts no more. */
  readonly replaces: boolean;
  readonly tags: Readonly<Record<string, string>>;
}

/** Decides about devices that wait. */
export interface PairingDesk {
  pairings(): Promise<PairingsView>;
  /** @throws HF_PAIRING_UNKNOWN, HF_PAIRING_REFUSED, HF_ENROLL_REFUSED, HF_ACCESS_LIMITED. */
  approve(approval: PairingApproval): Promise<PairingDecidedView>;
  /** @throws HF_PAIRING_UNKNOWN */
  deny(code: string): Promise<PairingDecidedView>;
}
