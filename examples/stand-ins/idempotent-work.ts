import { setTimeout as pause } from 'node:timers/promises';
import type { Faults } from './faults.ts';
import { fault, type Reply, type ServiceRequest } from './http-service.ts';

interface Known {
  readonly body: string;
  reply: Reply | undefined;
  requests: number;
}

/** Does what is asked for once for each Idempotency-Key, and answers repeats with the same. */
export class IdempotentWork {
  readonly #faults: Faults;
  readonly #known = new Map<string, Known>();

  constructor(faults: Faults) {
    this.#faults = faults;
  }

  /** How many requests came with this key, those that failed included. */
  requests(key: string): number {
    return this.#known.get(key)?.requests ?? 0;
  }

  /**
   * Answers a request. The work is done before the delay: a client that dies while it waits for
   * the answer has had its effect.
   *
   * @param subject What the request is about; faults by chance go by it.
   */
  async answer(
    request: ServiceRequest,
    subject: string,
    work: (key: string) => Reply,
  ): Promise<Reply> {
    const { key } = request;
    if (key === undefined) return fault(400, 'the Idempotency-Key header is missing');
    const known = this.#remember(key, JSON.stringify(request.body));
    if (known === undefined) return fault(422, 'this Idempotency-Key belongs to another request');

    const fate = this.#faults.next(subject);
    if (fate === 'refuse') return fault(503, 'down for maintenance');
    known.reply ??= work(key);
    if (fate === 'hang') return 'silence';
    if (this.#faults.delayMs > 0) await pause(this.#faults.delayMs, undefined, { ref: false });
    return fate === 'forget' ? fault(503, 'lost behind the work') : known.reply;
  }

  #remember(key: string, body: string): Known | undefined {
    const known = this.#known.get(key) ?? { body, reply: undefined, requests: 0 };
    if (known.body !== body) return undefined;
    known.requests += 1;
    this.#known.set(key, known);
    return known;
  }
}
