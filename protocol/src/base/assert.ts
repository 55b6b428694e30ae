/** The program is wrong. Nobody handles it: the process stops and replays from disk. */
export class AssertionError extends Error {
  override readonly name = 'AssertionError';
}

/** Throws `AssertionError` when a claim that the program itself guarantees does not hold. */
export function assert(claim: unknown, message: string): asserts claim {
  if (!claim) throw new AssertionError(message);
}

/** For the `default` of an exhaustive switch: a new case does not compile until it is handled. */
export function unreachable(value: never): never {
  throw new AssertionError(`unexpected value: ${String(value)}`);
}
