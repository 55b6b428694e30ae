import { codeOf, messageOf } from '@holdfast/protocol';
import type { SessionEvent } from './session-events.ts';

/** Whether the ledger cannot be used for the moment. */
export function isUnavailable(error: unknown): boolean {
  return codeOf(error) === 'HF_LEDGER_UNAVAILABLE';
}

/** What came of work on the ledger, also when that cannot be used now. */
export async function available(
  work: () => Promise<SessionEvent>,
  { isBatch }: { readonly isBatch: boolean },
): Promise<SessionEvent> {
  try {
    return await work();
  } catch (error) {
    if (isUnavailable(error)) return { kind: 'unavailable', why: messageOf(error), isBatch };
    throw error;
  }
}
