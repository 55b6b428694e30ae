import { createHash } from 'node:crypto';
import { BadRequest } from './http-service.ts';

/**
 * What may go wrong with one request. `refuse`: a 503, and nothing was done. `forget`: the work is
 * done, and then a 503. `hang`: the work is done, and then no answer at all. In the last two the
 * client cannot know; only an idempotency key helps it.
 */
export const faultKinds = ['refuse', 'forget', 'hang'] as const;
export type FaultKind = (typeof faultKinds)[number];

export interface FaultOptions {
  /** Share of the requests that fail, 0 to 1. Default 0. */
  readonly failRate?: number;
  /** The same seed fails the same requests, in whatever order they come. Default 1. */
  readonly seed?: number;
  /** Time from the work to its answer. Default 0. */
  readonly delayMs?: number;
}

/** Decides which requests fail, by chance and by order of whoever tests. */
export class Faults {
  readonly #failRate: number;
  readonly #seed: number;
  readonly #requests = new Map<string, number>();
  #ordered: { left: number; kind: FaultKind } = { left: 0, kind: 'refuse' };
  #delayMs: number;

  constructor(options: FaultOptions) {
    this.#failRate = options.failRate ?? 0;
    this.#seed = options.seed ?? 1;
    this.#delayMs = options.delayMs ?? 0;
  }

  get delayMs(): number {
    return this.#delayMs;
  }

  /** The fate of the next request about this subject, such as the id of an order. */
  next(subject: string): FaultKind | undefined {
    const nth = (this.#requests.get(subject) ?? 0) + 1;
    this.#requests.set(subject, nth);
    if (this.#ordered.left > 0) {
      this.#ordered.left -= 1;
      return this.#ordered.kind;
    }
    const [luck, kind] = fractions(`${this.#seed}/${subject}/${nth}`);
    if (luck >= this.#failRate) return undefined;
    if (kind < 0.1) return 'hang'; // Rare, since each costs the client its whole timeout.
    return kind < 0.55 ? 'forget' : 'refuse';
  }

  /**
   * Takes an order of `POST /faults`: `{ "fail": 3, "kind": "forget", "delayMs": 2000 }`, each
   * optional. `fail`: that many requests from now; `kind` defaults to `refuse`.
   */
  order(body: Readonly<Record<string, unknown>>): { fail: number; delayMs: number } {
    const { fail = 0, kind = 'refuse', delayMs = this.#delayMs } = body;
    if (!isCount(fail)) throw new BadRequest('fail is not an integer from 0');
    if (!isCount(delayMs)) throw new BadRequest('delayMs is not an integer from 0');
    const known = faultKinds.find((each) => each === kind);
    if (known === undefined) throw new BadRequest(`kind is none of ${faultKinds.join(', ')}`);
    this.#ordered = { left: fail, kind: known };
    this.#delayMs = delayMs;
    return { fail, delayMs };
  }
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && Number(value) >= 0;
}

/** Two numbers in [0, 1) that follow from the text and nothing else. */
function fractions(text: string): readonly [number, number] {
  const digest = createHash('sha256').update(text).digest();
  return [digest.readUInt32BE(0) / 2 ** 32, digest.readUInt32BE(4) / 2 ** 32];
}
