/** When nothing was heard of a device. */
export interface Outage {
  readonly fromMs: number;
  /** `undefined`: nothing is heard of it still. */
  readonly toMs: number | undefined;
}

export const OUTAGES_KEPT_MS = 7 * 86_400_000;
/** Of 10,000 devices whose links come and go all the time, it is 30 MB. */
const OUTAGES_MAX = 50;

/** When a device was away over the last week; of very many outages, the shortest are left out. */
export class Outages {
  #list: Outage[] = [];

  /** Takes whether it is heard of now, and when it was last. */
  take(isHeard: boolean, lastSeenAtMs: number | undefined, nowMs: number): void {
    const last = this.#list.at(-1);
    const isAway = last !== undefined && last.toMs === undefined;
    if (isHeard === !isAway) return;
    if (isHeard) {
      this.#list[this.#list.length - 1] = { fromMs: last?.fromMs ?? nowMs, toMs: nowMs };
      return;
    }
    // It was away before that could be known.
    this.#list.push({ fromMs: lastSeenAtMs ?? nowMs, toMs: undefined });
    this.#forget(nowMs);
  }

  /** The oldest first. */
  list(nowMs: number): readonly Outage[] {
    this.#forget(nowMs);
    return this.#list;
  }

  #forget(nowMs: number): void {
    const fromMs = nowMs - OUTAGES_KEPT_MS;
    this.#list = this.#list.filter(({ toMs = nowMs }) => toMs > fromMs);
    if (this.#list.length <= OUTAGES_MAX) return;
    const lasted = ({ fromMs: since, toMs = Number.POSITIVE_INFINITY }: Outage) => toMs - since;
    const shortest = Math.min(...this.#list.map(lasted));
    this.#list.splice(this.#list.findIndex((each) => lasted(each) === shortest), 1);
  }
}
