import { createInterface } from 'node:readline/promises';
import { Writable } from 'node:stream';
import { HoldfastError } from '@holdfast/protocol';

/**
 * A new password: typed twice, unseen, at a terminal; else the first line of stdin. Command lines
 * and the environment can be read by others, so it comes from neither.
 *
 * @throws HF_PASSWORD_INVALID
 */
export async function readNewPassword(what = 'password'): Promise<string> {
  if (process.stdin.isTTY !== true) return readLine();
  const password = await typed(`New ${what}: `);
  if ((await typed('Again: ')) === password) return password;
  throw new HoldfastError('HF_PASSWORD_INVALID', { why: 'the two that were typed differ' });
}

/** One that is there already, by the same ways. @throws HF_PASSWORD_INVALID */
export function readPassword(prompt: string): Promise<string> {
  return process.stdin.isTTY === true ? typed(prompt) : readLine();
}

async function readLine(): Promise<string> {
  const lines = createInterface({ input: process.stdin, crlfDelay: Number.POSITIVE_INFINITY });
  for await (const line of lines) return line;
  throw new HoldfastError('HF_PASSWORD_INVALID', { why: 'stdin has no line' });
}

async function typed(prompt: string): Promise<string> {
  const unseen = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: unseen, terminal: true });
  // Only now is nothing that is typed shown.
  process.stderr.write(prompt);
  try {
    return await lines.question('');
  } finally {
    lines.close();
    process.stderr.write('\n');
  }
}
