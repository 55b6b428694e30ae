import { HoldfastError, codeOf, messageOf, type ErrorCode } from '@holdfast/protocol';

/** Opens or makes a LevelDB, and tells a failure in our own words. */
export async function explainLevel<T>(dir: string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    if (codeOf(cause) !== undefined) throw cause;
    const why = `${dir}: ${messageOf(cause)}`;
    throw new HoldfastError(codeOfLevel(cause), { why, details: { dir }, cause });
  }
}

function codeOfLevel(cause: unknown): ErrorCode {
  const code = cause instanceof Error && 'code' in cause ? cause.code : undefined;
  if (code === 'LEVEL_LOCKED') return 'HF_STORE_LOCKED';
  const isDisk = /no space left|quota exceeded|read-only file|input\/output error|ENOSPC|EROFS/i;
  return isDisk.test(messageOf(cause)) ? 'HF_LEDGER_FAILED' : 'HF_STORE_DAMAGED';
}
