import { VALUE_INLINE_MAX, decodeValue, encodeValue } from '@holdfast/protocol';
import type { CallExecutor, Handler } from './handler-ports.ts';

/** Executes calls with a function of the user's. */
export function functionExecutor(handler: Handler): CallExecutor {
  return async (call, info) => {
    // What a handler takes is between it and the workflow that calls it: nobody can check it here.
    const input = decodeValue(call.input) as never;
    // One command carries it.
    return encodeValue(await handler(input, info), 'result', VALUE_INLINE_MAX);
  };
}
