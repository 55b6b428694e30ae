import { encodeCbor, type StoreOp } from '@holdfast/protocol';
import { accessKey, attemptRow, type AttemptRow } from './access-rows.ts';
import type { AccessPorts } from './access-ports.ts';
import { limited, type AttemptLimits } from './attempt-limit.ts';

export type SharedLimitPorts = Pick<AccessPorts, 'book' | 'clock' | 'sha256'>;

export interface SharedLimits extends AttemptLimits {
  /** Keeps the names of one limit apart from those of others. */
  readonly what: string;
}

/** Names that are remembered, of all limits together; beyond it those go that end first. */
const NAMES_MAX = 10_000;
/** Each gateway looks once in so many attempts of its own whether there are too many. */
const LOOK_EVERY = 256;
const KEY_BYTES = 16;

/**
 * Bounds how often something may be tried in vain, by a name: an address, a user. It is counted in
 * the store of users, so who goes from gateway to gateway, or waits for a restart, gets no more.
 */
export class SharedLimit {
  readonly #ports: SharedLimitPorts;
  readonly #options: SharedLimits;
  #untilLook = 0;

  constructor(ports: SharedLimitPorts, options: SharedLimits) {
    this.#ports = ports;
    this.#options = options;
  }

  /** @throws HF_ACCESS_LIMITED when the next attempt has to wait; `details.retryAfterMs` tells. */
  async check(name: string): Promise<void> {
    this.#refuse(await this.#current(name));
  }

  /**
   * Counts an attempt before it is known what comes of it, so that many at once do not slip through
   * together. Durable, and seen by all gateways, once it resolves.
   *
   * @throws HF_ACCESS_LIMITED, as `check`.
   */
  async begin(name: string): Promise<void> {
    // Who has to wait already costs a read, and has nobody else wait for a turn.
    await this.check(name);
    const { book, clock } = this.#ports;
    await book.change(async () => {
      const known = await this.#current(name);
      this.#refuse(known);
      const nowMs = clock.nowMs();
      const untilMs = known?.untilMs ?? nowMs + this.#options.windowMs;
      const value = attemptRow.encode({ count: (known?.count ?? 0) + 1, untilMs });
      const put: StoreOp = { kind: 'put', key: this.#keyOf(name), value };
      return { ops: [...(await this.#surplus(nowMs)), put], value: undefined };
    });
  }

  /** It was not in vain: what was counted of this name is forgotten. */
  async succeeded(name: string): Promise<void> {
    if ((await this.#current(name)) === undefined) return;
    const ops = [{ kind: 'delete', key: this.#keyOf(name) }] as const;
    await this.#ports.book.change(() => Promise.resolve({ ops, value: undefined }));
  }

  #refuse(known: AttemptRow | undefined): void {
    if (known === undefined || known.count < this.#options.failuresMax) return;
    throw limited(known.count, known.untilMs - this.#ports.clock.nowMs());
  }

  async #current(name: string): Promise<AttemptRow | undefined> {
    const found = await this.#ports.book.get(this.#keyOf(name), attemptRow);
    return found !== undefined && found.untilMs > this.#ports.clock.nowMs() ? found : undefined;
  }

  /** Those that are over and, where there are too many, those that would be over first. */
  async #surplus(nowMs: number): Promise<readonly StoreOp[]> {
    this.#untilLook -= 1;
    if (this.#untilLook > 0) return [];
    this.#untilLook = LOOK_EVERY;
    const rows = await this.#ports.book.scan('attempt', 2 * NAMES_MAX);
    const newestFirst = rows
      .map(({ key, value }) => ({ key, untilMs: attemptRow.decode(value).untilMs }))
      .toSorted((a, b) => b.untilMs - a.untilMs);
    return newestFirst
      .filter(({ untilMs }, index) => untilMs <= nowMs || index >= NAMES_MAX - 1)
      .map(({ key }) => ({ kind: 'delete', key }));
  }

  #keyOf(name: string): Uint8Array {
    const hash = this.#ports.sha256(encodeCbor([this.#options.what, name]));
    return accessKey('attempt', hash.subarray(0, KEY_BYTES));
  }
}
