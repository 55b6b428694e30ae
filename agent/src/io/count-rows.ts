import type { OnProgress, Store } from '@holdfast/protocol';

const everything = { from: new Uint8Array(0), to: Uint8Array.of(255, 255) };

/**
 * Tells how many rows of a store were taken, and of how many: counting them costs little beside
 * writing them anew, and is done only for somebody who listens.
 */
export async function rowProgress(
  store: Store,
  progress: OnProgress | undefined,
): Promise<(rows: number) => void> {
  if (progress === undefined) return () => undefined;
  let total = 0;
  await store.each(everything, () => {
    total += 1;
  });
  return (rows) => progress(rows, total);
}
