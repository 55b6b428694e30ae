import { appendFileSync, existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';

/** An answer to a question is given once the file of its name is there, and noted each time. */
export const handlers = {
  answer: async (
    input: unknown,
    { idempotencyKey, signal }: { readonly idempotencyKey: string; readonly signal: AbortSignal },
  ): Promise<string> => {
    const gate = `${process.env['LIVES_GATES']}/${String(input)}`;
    while (!existsSync(gate)) await pause(20, undefined, { signal });
    appendFileSync(process.env['LIVES_LOG'] ?? '', `${String(input)} ${idempotencyKey}\n`);
    return `answer to ${String(input)}`;
  },
};
