import type { Result } from './result.ts';

export function numberText(value: number): string {
  const isWhole = Number.isInteger(value) || Math.abs(value) >= 100;
  return isWhole ? Math.round(value).toLocaleString('en') : value.toPrecision(3);
}

/** Empty where the limit is zero. */
export function ratioText({ ratio }: Result): string {
  return ratio === null ? '' : ratio.toFixed(2);
}

export function budgetText({ of, better, budget }: Result): string {
  return `${of} ${better === 'higher' ? '≥' : '≤'} ${numberText(budget)}`;
}

export function loadText({ otherLoad }: Result): string {
  return `${Math.round(otherLoad * 100)} %`;
}
