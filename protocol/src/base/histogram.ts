import type { Metric } from './metric.ts';

/** How often a number was how large. Adding one costs a look at each bound, and no memory. */
export class Histogram {
  readonly #bounds: readonly number[];
  /** How many were at most as large as each bound and larger than the one before. */
  readonly #counts: Float64Array;
  #count = 0;
  #sum = 0;

  /** `bounds`: ascending. */
  constructor(bounds: readonly number[]) {
    this.#bounds = bounds;
    this.#counts = new Float64Array(bounds.length);
  }

  add(value: number): void {
    this.#count += 1;
    this.#sum += value;
    const at = this.#bounds.findIndex((bound) => value <= bound);
    if (at >= 0) this.#counts[at] = (this.#counts[at] ?? 0) + 1;
  }

  metric(name: string, help: string): Metric {
    let upTo = 0;
    const buckets = this.#bounds.map((bound, index) => {
      upTo += this.#counts[index] ?? 0;
      return { suffix: '_bucket', labels: { le: String(bound) }, value: upTo };
    });
    const all = { suffix: '_bucket', labels: { le: '+Inf' }, value: this.#count };
    const sums = [
      { suffix: '_sum', labels: {}, value: this.#sum },
      { suffix: '_count', labels: {}, value: this.#count },
    ];
    return { name, type: 'histogram', help, values: [...buckets, all, ...sums] };
  }
}
