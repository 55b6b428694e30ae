import { open, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError } from '@holdfast/protocol';
import { dropBallast, readRoom } from './disk-room.ts';

const PROBE_BYTES = 64 * 1024;
/** LevelDB writes a table of up to a write buffer, a log and a MANIFEST before it can be read. */
const ROOM_BYTES = 4 * 1024 * 1024;

/** Whether there is too little room for a store to be opened in `dir`. */
export async function lacksRoom(dir: string): Promise<boolean> {
  return (await readRoom(dir)).freeBytes < ROOM_BYTES;
}

/** Where a store could not be opened for want of room, the ballast's is taken. */
export async function makeRoom(dir: string): Promise<void> {
  if (await lacksRoom(dir)) await dropBallast(dir);
}

/**
 * Resolves when there is room for a store to be opened in `dir`, and a file can be made there,
 * written and synced. Rejects with what is wrong otherwise. Takes the ballast's room if it must.
 */
export async function probeDisk(dir: string): Promise<void> {
  await makeRoom(dir);
  const { freeBytes } = await readRoom(dir);
  if (freeBytes < ROOM_BYTES) {
    const why = `no space left: ${freeBytes} bytes are free, of ${ROOM_BYTES} that it needs`;
    throw new HoldfastError('HF_JOURNAL_FAILED', { why });
  }
  const path = join(dir, 'probe');
  try {
    const file = await open(path, 'w', 0o600);
    try {
      await file.writeFile(new Uint8Array(PROBE_BYTES));
      await file.sync();
    } finally {
      await file.close();
    }
  } finally {
    await rm(path, { force: true }).catch(() => undefined);
  }
}
