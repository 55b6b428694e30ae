import { messageOf, type Clock, type Log } from '@holdfast/protocol';
import type { KeyLedger } from '../key-ledger.ts';

export interface CertificateWatchOptions {
  readonly ledger: Pick<KeyLedger, 'firstToExpire'>;
  readonly clock: Pick<Clock, 'wakeIn'>;
  readonly log: Pick<Log, 'debug'>;
}

/** A start is busy enough; all devices are looked at. */
const FIRST_IN_MS = 30_000;
const EVERY_MS = 10 * 60_000;

/** Until when the certificate of the device is valid whose expires first. */
export class CertificateWatch {
  readonly #options: CertificateWatchOptions;
  #cancel: () => void;
  #expiresAtMs: number | undefined;

  constructor(options: CertificateWatchOptions) {
    this.#options = options;
    this.#cancel = options.clock.wakeIn(FIRST_IN_MS, () => void this.#look());
  }

  /** `undefined`: no device has one, or nobody has looked yet. */
  get expiresAtMs(): number | undefined {
    return this.#expiresAtMs;
  }

  close(): void {
    this.#cancel();
  }

  async #look(): Promise<void> {
    const { ledger, clock, log } = this.#options;
    this.#cancel = clock.wakeIn(EVERY_MS, () => void this.#look());
    try {
      this.#expiresAtMs = (await ledger.firstToExpire())?.toMs;
    } catch (error) {
      // It is looked at again, and what is known of it has not changed.
      log.debug('certificates of devices could not be looked at', { why: messageOf(error) });
    }
  }
}
