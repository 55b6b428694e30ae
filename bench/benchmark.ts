/** How long and how large a benchmark is to be. */
export interface Effort {
  /** Time to measure for, ms; what is made ready before does not count. */
  readonly ms: number;
  /** Only whether it works is asked: a tenth of the size, and nothing is repeated. */
  readonly isSmoke: boolean;
}

export interface Measured {
  readonly ours: number;
  /** What the same machine gave in the same minutes to a bare program that does the least. */
  readonly limit: number;
  /** Median of the ratios of the pairs; `null` where the limit is zero. */
  readonly ratio: number | null;
  /** What else was seen, by name and unit. */
  readonly facts?: Readonly<Record<string, number>>;
  /** False: the work was not done right, whatever its speed. */
  readonly isRight?: boolean;
}

/** One row of the table. */
export interface Benchmark {
  /** Lower case with dashes; the part before a number names its group. */
  readonly name: string;
  /** What is counted, and against what, in a line. */
  readonly about: string;
  readonly unit: string;
  readonly run: (effort: Effort) => Promise<Measured>;
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? Number.NaN;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? upper) + upper) / 2;
}

/** Pairs of measurements. Odd, so that the median is one that was made. */
const PAIRS = 5;

export function pairsOf({ isSmoke }: Effort): number {
  return isSmoke ? 1 : PAIRS;
}

/** Rounds in a row that were no faster: the compiler has done what it will. */
const ROUNDS_ALIKE = 2;
const WARM_UP_ROUNDS_MAX = 20;

/** Repeats what is to be measured for as long as it gets faster. */
export async function warmUp(rate: () => Promise<number>): Promise<void> {
  let best = 0;
  let alike = 0;
  for (let round = 0; round < WARM_UP_ROUNDS_MAX && alike < ROUNDS_ALIKE; round += 1) {
    const now = await rate();
    alike = now > 1.05 * best ? 0 : alike + 1;
    best = Math.max(best, now);
  }
}

/**
 * Measures ours and the limit in turn, each pair in the other order than the one before: what
 * drifts on the machine meanwhile meets both.
 */
export async function alternate(
  pairs: number,
  sides: { readonly ours: () => Promise<number>; readonly limit: () => Promise<number> },
): Promise<Measured> {
  const ours: number[] = [];
  const limits: number[] = [];
  for (let pair = 0; pair < pairs; pair += 1) {
    // One after another is the point: side by side they would share the disk.
    if (pair % 2 === 0) ours.push(await sides.ours());
    limits.push(await sides.limit());
    if (pair % 2 === 1) ours.push(await sides.ours());
  }
  const ratios = ours.map((value, index) => value / (limits[index] ?? Number.NaN));
  const facts = { 'lowest ratio': Math.min(...ratios), 'highest ratio': Math.max(...ratios) };
  return { ours: median(ours), limit: median(limits), ratio: median(ratios), facts };
}
