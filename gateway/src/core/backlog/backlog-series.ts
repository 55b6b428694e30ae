/** How far behind a device, or a fleet, was from a moment on, as it had reported. */
export interface BacklogPoint {
  readonly atMs: number;
  readonly pending: number;
  /** Entries of it that had arrived by then. */
  readonly arrived: number;
  /** False: nothing was heard of it, and it may have had more. */
  readonly isHeard: boolean;
}

export interface SeriesLimits {
  /** What is older is forgotten. */
  readonly keptMs: number;
  /** Points that are kept; with more of them, they lie further apart. */
  readonly pointsMax: number;
  /** How close to each other they may be. */
  readonly stepMs: number;
}

/**
 * A number over time, by its changes: who stands still costs one point. Between two steps the
 * largest value stays, so that no peak is lost.
 */
export class BacklogSeries {
  readonly #limits: SeriesLimits;
  #points: BacklogPoint[] = [];
  #stepMs: number;

  constructor(limits: SeriesLimits) {
    this.#limits = limits;
    this.#stepMs = limits.stepMs;
  }

  get last(): BacklogPoint | undefined {
    return this.#points.at(-1);
  }

  /** Takes how it is now; the same again changes nothing. */
  add(point: BacklogPoint): void {
    const last = this.#points.at(-1);
    if (last !== undefined && last.isHeard === point.isHeard) {
      if (last.pending === point.pending && last.arrived === point.arrived) return;
      if (point.atMs - last.atMs < this.#stepMs) {
        // A fall is taken at the step's end: it is still so then, or is none.
        if (point.pending > last.pending) this.#points.splice(-1, 1, { ...point, atMs: last.atMs });
        return;
      }
    }
    this.#points.push(point);
    this.#forget(point.atMs);
    if (this.#points.length > this.#limits.pointsMax) this.#thin();
  }

  /** The oldest first; what it was when the time that is kept began is the first. */
  points(nowMs: number): readonly BacklogPoint[] {
    this.#forget(nowMs);
    return this.#points;
  }

  #forget(nowMs: number): void {
    const fromMs = nowMs - this.#limits.keptMs;
    const kept = this.#points.findLastIndex(({ atMs }) => atMs <= fromMs);
    if (kept > 0) this.#points.splice(0, kept);
  }

  /** Two points become one, but for the last, which is how it is. */
  #thin(): void {
    this.#stepMs *= 2;
    const thinned: BacklogPoint[] = [];
    const last = this.#points.pop();
    for (let at = 0; at < this.#points.length; at += 2) {
      const pair = this.#points.slice(at, at + 2);
      thinned.push({
        atMs: pair[0]?.atMs ?? 0,
        pending: Math.max(...pair.map(({ pending }) => pending)),
        arrived: pair[0]?.arrived ?? 0,
        isHeard: pair.every(({ isHeard }) => isHeard),
      });
    }
    this.#points = last === undefined ? thinned : [...thinned, last];
  }
}
