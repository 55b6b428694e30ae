import { HoldfastError, codeOf, messageOf, type Clock, type Log } from '@holdfast/protocol';
import type { Runtime } from './core/runtime.ts';
import type { KeyChanged } from './core/surface.ts';
import type { DeviceCredentials } from './device-credentials.ts';
import { enrollViewOf } from './enroll-device.ts';

const RETRY_MS_MIN = 30_000;
const RETRY_MS_MAX = 60 * 60_000;

interface KeyOrdersPorts {
  readonly runtime: Pick<Runtime, 'keyOrder' | 'keyOrderDone' | 'onKeyOrder'>;
  readonly credentials: Pick<DeviceCredentials, 'isEnrolled' | 'rotate'>;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Carries out the gateway's order that the device take another key, however often it has to be
 * tried. The order is journaled until it is done: one that a crash cuts off is done again, by one
 * more key.
 */
export class KeyOrders {
  readonly #ports: KeyOrdersPorts;
  #pauseMs = RETRY_MS_MIN;
  #isAtWork = false;
  #cancel: () => void = () => {};
  #stop: () => void = () => {};

  constructor(ports: KeyOrdersPorts) {
    this.#ports = ports;
    // Without a gateway that enrolled it, the device has nobody to ask: the order is rejected.
    if (!ports.credentials.isEnrolled) return;
    this.#stop = ports.runtime.onKeyOrder(() => this.#look());
    this.#look();
  }

  close(): void {
    this.#stop();
    this.#cancel();
  }

  #look(): void {
    if (this.#isAtWork) return;
    this.#isAtWork = true;
    void this.#work().finally(() => {
      this.#isAtWork = false;
    });
  }

  async #work(): Promise<void> {
    const { runtime, credentials, log, clock } = this.#ports;
    try {
      const ordered = await runtime.keyOrder();
      if (ordered === 0) return;
      await credentials.rotate();
      await runtime.keyOrderDone(ordered);
      this.#pauseMs = RETRY_MS_MIN;
    } catch (error) {
      log.info('the key was not replaced', { code: codeOf(error), why: messageOf(error) });
      // Closed meanwhile: nobody is there to be woken.
      if (!credentials.isEnrolled) return;
      this.#cancel = clock.wakeIn(this.#pauseMs, () => this.#look());
      this.#pauseMs = Math.min(2 * this.#pauseMs, RETRY_MS_MAX);
    }
  }
}

/** Has the device take another key because somebody at it asks for that. */
export function keyChanger(
  dataDir: string,
  credentials: Pick<DeviceCredentials, 'rotate'> | undefined,
): () => Promise<KeyChanged> {
  return async () => {
    if (credentials !== undefined) return enrollViewOf(dataDir, await credentials.rotate());
    throw new HoldfastError('HF_RENEWAL_REFUSED', { why: 'this agent has no gateway' });
  };
}
