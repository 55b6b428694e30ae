import { join } from 'node:path';
import type { Clock } from '@holdfast/protocol';
import type { Journal } from '../core/journal.ts';
import type { DataDir } from './data-dir.ts';
import { writeHeads } from './store-heads.ts';

/** Each costs a page of flash, and what is lost of an end within that time may not be missed. */
const NOTE_AFTER_MS = 10_000;

/**
 * Notes how far the lanes have come, beside the store, a while after something was journaled: of a
 * process that was killed nothing else tells that the end of its log is gone.
 *
 * @returns Stops.
 */
export function noteHeads(
  { path, epoch, store }: Pick<DataDir, 'path' | 'epoch' | 'store'>,
  { journal, clock }: { readonly journal: Journal; readonly clock: Pick<Clock, 'wakeIn'> },
): () => void {
  let cancel: (() => void) | undefined;
  const note = (): void => {
    cancel = undefined;
    // A store that fails is told of by others; older heads are as true.
    void writeHeads(join(path, 'store'), epoch, store).catch(() => undefined);
  };
  const stop = journal.onCommit(() => (cancel ??= clock.wakeIn(NOTE_AFTER_MS, note)));
  return () => {
    stop();
    cancel?.();
  };
}
