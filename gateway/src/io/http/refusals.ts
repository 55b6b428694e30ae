/** Why a request was not done, in a word for metrics. */
export const refusalReasons = [
  'credentials',
  'role',
  'limit',
  'origin',
  'request',
  'size',
  'slow',
  'connections',
] as const;

export type RefusalReason = (typeof refusalReasons)[number];

/** Counts what the HTTP API did not do since it started. */
export class Refusals {
  readonly #counts = new Map<RefusalReason, number>();

  add(reason: RefusalReason): void {
    this.#counts.set(reason, this.count(reason) + 1);
  }

  count(reason: RefusalReason): number {
    return this.#counts.get(reason) ?? 0;
  }
}
