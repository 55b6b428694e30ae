import { watch } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import type { Clock } from '@holdfast/protocol';
import type { Journal } from '../core/journal.ts';

const LOOK_EVERY_MS = 1_000;

/**
 * Calls `onGone` once the files of the store are not there any more: LevelDB goes on writing to
 * files that have no name, and nothing of it would be found again. Looks when the system tells of a
 * change in the directory around it, and after commits, so that an idle agent sleeps.
 *
 * @returns Ends it.
 */
export function watchStore(
  storeDir: string,
  parts: { readonly journal: Journal; readonly clock: Clock; readonly onGone: () => void },
): () => void {
  const { journal, clock, onGone } = parts;
  let notBeforeMs = 0;
  const look = (): void => {
    void stat(join(storeDir, 'CURRENT')).catch((error: unknown) => {
      if (!isMissing(error) || journal.trouble !== undefined) return;
      stop();
      onGone();
    });
  };
  const unwatch = watchDir(dirname(storeDir), look);
  const unlisten = journal.onCommit(() => {
    if (clock.monoMs() < notBeforeMs) return;
    notBeforeMs = clock.monoMs() + LOOK_EVERY_MS;
    look();
  });
  const stop = (): void => {
    unwatch();
    unlisten();
  };
  return stop;
}

/** Of names, not of what is written to the files below. */
function watchDir(dir: string, onChange: () => void): () => void {
  try {
    const watcher = watch(dir, { persistent: false }, onChange);
    watcher.on('error', () => watcher.close());
    return () => watcher.close();
  } catch {
    // Not every file system tells, and the system has only so many watches.
    return () => {};
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}
