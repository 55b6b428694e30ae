import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '@holdfast/protocol';
import type { Journal } from '../core/journal.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * Calls `onGone` once the files of the store are not there any more: LevelDB goes on writing to
 * files that have no name, and nothing of it would be found again. Looks after commits only, so
 * that an idle agent sleeps.
 */
export function watchStore(
  storeDir: string,
  parts: { readonly journal: Journal; readonly clock: Clock; readonly onGone: () => void },
): void {
  const { journal, clock, onGone } = parts;
  let notBeforeMs = 0;
  const stop = journal.onCommit(() => {
    if (clock.monoMs() < notBeforeMs) return;
    notBeforeMs = clock.monoMs() + LOOK_EVERY_MS;
    void stat(join(storeDir, 'CURRENT')).catch((error: unknown) => {
      if (!isMissing(error) || journal.trouble !== undefined) return;
      stop();
      onGone();
    });
  });
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
