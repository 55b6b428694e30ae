/** How a cost is to grow with what it is measured against. */
export type Growth = 'flat' | 'linear';

export interface Measure {
  readonly unit: string;
  /** `flat`: the worst point is within a half of the first. `linear`: nothing is promised. */
  readonly grows: Growth;
  readonly better: 'higher' | 'lower';
}

export interface Point {
  readonly x: number;
  /** By the name of the measure. */
  readonly values: Readonly<Record<string, number>>;
}

/** What it costs to have more of something. */
export interface Curve {
  readonly name: string;
  /** What is measured, in a line. */
  readonly about: string;
  /** What there is more and more of. */
  readonly of: string;
  readonly measures: Readonly<Record<string, Measure>>;
  /** Where it is measured: going up. */
  readonly xs: readonly number[];
  readonly smokeXs: readonly number[];
  /** Calls `each` for every point as it is measured; `ms` is the time to measure one for. */
  readonly run: (xs: readonly number[], ms: number, each: (point: Point) => void) => Promise<void>;
}

/** What may be between the worst point of what is flat and the first. */
const FLAT = 1.5;

export interface Verdict {
  /** From the first point to the worst, as a factor; 1 or more is worse. */
  readonly factor: number;
  readonly held: boolean;
}

/** `undefined` where nothing is promised, or there is one point only. */
export function verdictOf(measure: Measure, values: readonly number[]): Verdict | undefined {
  const [first, ...rest] = values;
  if (measure.grows !== 'flat' || first === undefined || rest.length === 0) return undefined;
  const factors = rest.map((value) =>
    measure.better === 'higher' ? first / value : value / first,
  );
  const factor = Math.max(...factors);
  return { factor, held: factor <= FLAT };
}
