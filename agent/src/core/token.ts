import { HoldfastError } from '@holdfast/protocol';

/** Which step of which run a token completes. */
export interface TokenPlace {
  readonly number: number;
  readonly uid: string;
  readonly op: number;
}

/** Names a step for whoever completes it from outside. The uid in it cannot be guessed. */
export function tokenOf(
  run: { readonly number: number; readonly uid: string },
  op: number,
): string {
  return `hft_${run.number.toString(36)}_${op.toString(36)}_${run.uid}`;
}

/** @throws HF_TOKEN_INVALID */
export function placeOf(token: string): TokenPlace {
  const [, number, op, uid] = /^hft_([0-9a-z]+)_([0-9a-z]+)_([0-9a-z]+)$/.exec(token) ?? [];
  if (number === undefined || op === undefined || uid === undefined) {
    throw new HoldfastError('HF_TOKEN_INVALID', { why: 'it is not of the form hft_…' });
  }
  return { number: Number.parseInt(number, 36), op: Number.parseInt(op, 36), uid };
}
