import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { codeOf } from '@holdfast/protocol';
import { socketOf } from './agent-socket.ts';
import { openExisting, type DataDir } from './io/data-dir.ts';
import { restoreStore } from './restore-store.ts';
import { writeSnapshot } from './snapshot-store.ts';
import { isNobodyThere, SocketClient } from './socket-client.ts';

/** A store that is open to be read. */
export interface ReadableStore
  extends Pick<DataDir, 'device' | 'epoch' | 'store' | 'tornBytes' | 'release'> {
  /** Its agent runs: this is a copy, as of one moment. */
  readonly isCopy: boolean;
}

/**
 * Opens the store of a data directory to read it. While its agent runs, which goes on meanwhile,
 * that is asked for a snapshot, and a copy is made of it among the temporary files; it is deleted
 * when it is released.
 *
 * @param options.isThorough Look at every byte of the files first.
 * @throws HF_STORE_LOCKED when something else has it open; as `openExisting` and `writeSnapshot`.
 */
export async function openToRead(
  dataDir: string,
  options: { readonly isThorough?: boolean; readonly storeKey: Uint8Array | undefined },
): Promise<ReadableStore> {
  try {
    return { ...(await openExisting(dataDir, options)), isCopy: false };
  } catch (error) {
    if (codeOf(error) !== 'HF_STORE_LOCKED') throw error;
    const copy = await openCopy(dataDir, options.storeKey).catch((cause: unknown) => {
      // Whoever has it open is no agent, or does not listen.
      throw isNobodyThere(cause) ? error : cause;
    });
    return { ...copy, isCopy: true };
  }
}

async function openCopy(dataDir: string, storeKey: Uint8Array | undefined): Promise<DataDir> {
  const dir = await mkdtemp(join(tmpdir(), 'holdfast-copy-'));
  const client = new SocketClient(socketOf(dataDir));
  try {
    const file = join(dir, 'snapshot');
    await writeSnapshot(client, file);
    await restoreStore(file, join(dir, 'data'), { replace: false });
    await rm(file);
    const opened = await openExisting(join(dir, 'data'), { storeKey });
    const release = async (): Promise<void> => {
      await opened.release();
      await rm(dir, { recursive: true, force: true });
    };
    return { ...opened, release };
  } catch (error) {
    await rm(dir, { recursive: true, force: true });
    throw error;
  }
}
