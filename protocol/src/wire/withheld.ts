import { HoldfastError } from '../base/errors.ts';
import { encodeCbor } from './cbor.ts';
import { decodeValue } from './value.ts';

/** Causes of causes that are told. */
const CAUSES_MAX = 4;
/** A name or a code as programs make them; prose could carry what was to stay. */
const identifier = /^[A-Za-z_][\w.-]{0,63}$/;
const CODE_MAX = 99_999;

/**
 * What may leave of an error that a marked step threw: names and codes, of its causes too. The
 * messages, stacks and fields may hold what was to stay.
 *
 * @param encoded What `encodeThrown` gave.
 */
export function withheldError(encoded: Uint8Array): Uint8Array {
  return encodeCbor(skeletonOf(decodeValue(encoded), 0));
}

function skeletonOf(error: unknown, depth: number): object {
  const { name, code, cause } = asRecord(error);
  const isOurs = error instanceof HoldfastError;
  const codeIsPlain =
    (typeof code === 'string' && identifier.test(code)) ||
    (typeof code === 'number' && Number.isInteger(code) && Math.abs(code) <= CODE_MAX);
  return {
    $: 'error',
    v: {
      name: typeof name === 'string' && identifier.test(name) ? name : 'Error',
      // An error of ours says what its code says.
      ...(isOurs ? { class: 'HoldfastError' } : { message: '(withheld)' }),
      ...(cause instanceof Error && depth < CAUSES_MAX
        ? { cause: skeletonOf(cause, depth + 1) }
        : {}),
      ...(codeIsPlain ? { fields: [['code', code]] } : {}),
    },
  };
}

function asRecord(error: unknown): Readonly<Record<string, unknown>> {
  // It came out of bytes: nothing in it runs when it is looked at.
  return typeof error === 'object' && error !== null ? (error as Record<string, unknown>) : {};
}
