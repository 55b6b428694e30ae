import { readFileSync } from 'node:fs';
import type { Measured } from './benchmark.ts';
import { checkoutFile } from './child.ts';

/** A bound on what a benchmark measures; `budgets.json` has one for each. */
export type Budget = { readonly of: 'ratio' | 'ours' } & (
  | { readonly atLeast: number }
  | {
      readonly atMost: number;
      /** Or so much more than the limit of the same run, where that is more. */
      readonly orOverLimit?: number;
    }
);

/** By the name of the benchmark. */
export function readBudgets(): Readonly<Record<string, Budget>> {
  // The smoke test sees to it that the file has the names and the shape.
  const text = readFileSync(checkoutFile('bench/budgets.json'), 'utf8');
  return JSON.parse(text) as Record<string, Budget>;
}

export function boundOf(budget: Budget, { limit }: Pick<Measured, 'limit'>): number {
  if ('atLeast' in budget) return budget.atLeast;
  const { atMost, orOverLimit } = budget;
  return orOverLimit === undefined ? atMost : Math.max(atMost, limit + orOverLimit);
}

export function isHeld(budget: Budget, measured: Measured): boolean {
  if (measured.isRight === false) return false;
  const value = budget.of === 'ratio' ? measured.ratio : measured.ours;
  if (value === null) return false;
  const bound = boundOf(budget, measured);
  return 'atLeast' in budget ? value >= bound : value <= bound;
}
