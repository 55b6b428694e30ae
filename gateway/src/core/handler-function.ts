import { VALUE_INLINE_MAX, decodeValue, encodeValue } from '@holdfast/protocol';
import { InTransaction, type CallExecutor, type Handler } from './handler-ports.ts';

/** Executes calls with a function of the user's. */
export function functionExecutor(handler: Handler): CallExecutor {
  return async (call, info) => {
    // What a handler takes is between it and the workflow that calls it: nobody can check it here.
    const input = decodeValue(call.input) as never;
    const result = await handler(input, info);
    if (!(result instanceof InTransaction)) return encodeResult(result);
    return new InTransaction(async (sql) => encodeResult(await result.body(sql)));
  };
}

/** One command carries it. */
function encodeResult(result: unknown): Uint8Array {
  return encodeValue(result, 'result', VALUE_INLINE_MAX);
}
