import { messageOf } from '@holdfast/protocol';
import { WebhookWorker, type WebhookPorts } from './webhook-worker.ts';

/** Pause after the ledger could not be read. */
const AGAIN_MS = 5_000;

/** Tells all subscribers of a ledger what arrives in it. */
export class Webhooks {
  readonly #ports: WebhookPorts;
  readonly #workers = new Map<string, WebhookWorker>();
  #isClosed = false;
  #loading: Promise<void> = Promise.resolve();
  #cancelWake: () => void = () => {};

  constructor(ports: WebhookPorts) {
    this.#ports = ports;
  }

  /** Entries of a device have become durable here. */
  arrived(device: string): void {
    for (const worker of this.#workers.values()) worker.arrived(device);
  }

  /** Subscribers have changed: it goes on with those that there are now. */
  changed(): Promise<void> {
    this.#loading = this.#loading.then(() => this.#load());
    return this.#loading;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelWake();
    await this.#loading;
    await Promise.all([...this.#workers.values()].map((worker) => worker.close()));
  }

  async #load(): Promise<void> {
    if (this.#isClosed) return;
    this.#cancelWake();
    const { ledger, log, clock, isShared } = this.#ports;
    let againInMs = isShared ? AGAIN_MS : undefined;
    try {
      const subscribers = await ledger.out.subscribers();
      const active = new Map(
        subscribers.filter(({ state }) => state === 'active').map((each) => [each.id, each]),
      );
      for (const [id, worker] of this.#workers) {
        if (active.has(id)) continue;
        this.#workers.delete(id);
        await worker.close();
      }
      for (const [id, subscriber] of active) {
        const known = this.#workers.get(id);
        if (known === undefined) this.#workers.set(id, new WebhookWorker(subscriber, this.#ports));
        else known.wake();
      }
    } catch (error) {
      againInMs = AGAIN_MS;
      log.error('webhooks could not be read', { why: messageOf(error) });
    }
    if (againInMs === undefined || this.#isClosed) return;
    this.#cancelWake = clock.wakeIn(againInMs, () => void this.changed());
  }
}
