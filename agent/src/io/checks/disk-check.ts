import { open, rm, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import { performance } from 'node:perf_hooks';
import { formatBytes, messageOf } from '@holdfast/protocol';
import { found, type Finding } from '../../core/finding.ts';
import { doubtfulFileSystem } from '../file-system.ts';

const CHECK = 'disk';
const SYNCS = 8;
/** Every step waits for a sync: above, a person sees it. */
const SLOW_MS = 100;
const FREE_BYTES = { failure: 8 * 2 ** 20, warning: 256 * 2 ** 20 } as const;

const cards =
  'An SD card that is worn or cheap is slow in this way; put the data directory on an SSD.';
const disk = 'Put the data directory on a disk that keeps what it was told to keep: --data-dir.';
const room = 'Make room on this disk; the journal takes what --journal-max-bytes allows.';

/** Whether a directory can hold a journal: may be written, is fast enough, and has room. */
export async function checkDisk(dir: string): Promise<readonly Finding[]> {
  try {
    const doubt = await doubtfulFileSystem(dir);
    const kind = found(CHECK, 'failure', `${dir} is on ${doubt}`, disk);
    return [...(doubt === undefined ? [] : [kind]), await space(dir), await speed(dir)];
  } catch (error) {
    return [unwritable(dir, error)];
  }
}

function unwritable(dir: string, error: unknown): Finding {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (code === 'EACCES' || code === 'EPERM') {
    return found(CHECK, 'skipped', `${dir} is not this user's`, 'Try again with sudo.');
  }
  if (code === 'ENOENT') {
    const hint = 'Is data-dir right, and is it mounted? The first start of an agent makes it.';
    return found(CHECK, 'failure', `${dir} is not there`, hint);
  }
  if (code === 'EROFS') {
    const hint = 'Mount it for writing; a disk that became read-only by itself is failing.';
    return found(CHECK, 'failure', `${dir} is read-only`, hint);
  }
  if (code === 'ENOSPC') return found(CHECK, 'failure', `${dir} is full`, room);
  const hint = 'The log of the kernel says more: dmesg | tail';
  return found(CHECK, 'failure', `${dir} cannot be written: ${messageOf(error)}`, hint);
}

async function space(dir: string): Promise<Finding> {
  const { bavail, bsize, files, ffree } = await statfs(dir);
  const free = bavail * bsize;
  // Some file systems have no fixed number of files, and say 0 of 0.
  if (files > 0 && ffree === 0) return found(CHECK, 'failure', 'no more files can be made', room);
  const text = `${formatBytes(free)} are free`;
  if (free < FREE_BYTES.failure) return found(CHECK, 'failure', text, room);
  return free < FREE_BYTES.warning ? found(CHECK, 'warning', text, room) : found(CHECK, 'ok', text);
}

/** Writes and syncs a small file a few times, as a journal does. */
async function speed(dir: string): Promise<Finding> {
  const path = join(dir, `doctor-${process.pid}`);
  const took: number[] = [];
  try {
    const file = await open(path, 'w', 0o600);
    try {
      for (let each = 0; each < SYNCS; each += 1) {
        const startedAt = performance.now();
        await file.write(new Uint8Array(512));
        await file.datasync();
        took.push(performance.now() - startedAt);
      }
    } finally {
      await file.close();
    }
  } finally {
    await rm(path, { force: true });
  }
  const sorted = took.toSorted((a, b) => a - b);
  const [median = 0, worst = 0] = [sorted[SYNCS / 2], sorted.at(-1)];
  const text = `a sync takes ${median.toFixed(1)} ms, ${worst.toFixed(1)} ms at worst`;
  return worst > SLOW_MS ? found(CHECK, 'warning', text, cards) : found(CHECK, 'ok', text);
}
