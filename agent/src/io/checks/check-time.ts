import { found, type Finding } from '../../core/finding.ts';

/** No check takes longer: a person waits for all of them. */
export const CHECK_MS_MAX = 5_000;
/** When a check says itself how far it came, before it is given up. */
export const CHECK_MS_OWN = 4_700;

/** What comes in time, or else what `late` gives or throws. */
export async function inTime<T>(work: Promise<T>, ms: number, late: () => T): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<T>((resolve) => {
    timer = setTimeout(() => resolve(Promise.resolve().then(late)), ms);
  });
  try {
    return await Promise.race([work, over]);
  } finally {
    clearTimeout(timer);
  }
}

export function tookTooLong(check: string): Finding {
  const text = `no answer within ${CHECK_MS_MAX / 1_000} s`;
  return found(check, 'failure', text, 'Something hangs: a disk, a mount, or the agent itself.');
}
