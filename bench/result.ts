import type { Budget } from './budgets.ts';

/** What a run of the benchmarks says of one of them. */
export interface Result {
  readonly name: string;
  /** What is counted, and against what, in a line. */
  readonly about: string;
  readonly ours: number;
  readonly limit: number;
  readonly unit: string;
  /** ours / limit; `null` where the limit is zero. */
  readonly ratio: number | null;
  /** The bound on `of`. */
  readonly budget: number;
  readonly of: Budget['of'];
  readonly better: 'higher' | 'lower';
  readonly held: boolean;
  /** False: entries were lost, doubled or broken. */
  readonly right: boolean;
  /** Part of the machine that was busy with other work meanwhile, 0 to 1. */
  readonly otherLoad: number;
  readonly facts: Readonly<Record<string, number>>;
}
