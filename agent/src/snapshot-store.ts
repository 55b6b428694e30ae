import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import type { AgentReader } from './core/surface.ts';
import { syncFile } from './io/level-store.ts';
import { openSnapshot } from './io/snapshot-file.ts';
import { exists } from './io/store-swap.ts';

/** What `holdfast store snapshot` made. */
export interface StoreSnapshotView {
  readonly schema: 'holdfast.store-snapshot/1';
  /** Absolute. */
  readonly file: string;
  readonly device: string;
  readonly epoch: number;
  /** When it was begun: it has what was durable then. */
  readonly at: string;
  readonly encrypted: boolean;
  readonly rows: number;
  readonly bytes: number;
}

/**
 * Writes a snapshot of a store, of a running agent or of one that does not run. It is in the file,
 * whole and durable, once this resolves; until then the file is not there.
 *
 * @param progress Told the bytes that were written.
 * @throws HF_INPUT_INVALID when the file is there or cannot be written.
 */
export async function writeSnapshot(
  agent: Pick<AgentReader, 'snapshot'>,
  path: string,
  progress: (bytes: number) => void = () => {},
): Promise<StoreSnapshotView> {
  const file = resolve(path);
  if (await exists(file)) throw unwritable(`${file} is there already`);
  const part = `${file}.part`;
  const handle = await open(part, 'w', 0o600).catch((cause: unknown) => {
    throw unwritable(messageOf(cause), cause);
  });
  try {
    const bytes = await receive(agent, handle, progress);
    const view = await readBack(part);
    await rename(part, file);
    await syncFile(dirname(file));
    return { schema: 'holdfast.store-snapshot/1', file, ...view, bytes };
  } catch (error) {
    await rm(part, { force: true });
    throw error instanceof HoldfastError ? error : unwritable(messageOf(error), error);
  }
}

async function receive(
  agent: Pick<AgentReader, 'snapshot'>,
  handle: FileHandle,
  progress: (bytes: number) => void,
): Promise<number> {
  let bytes = 0;
  try {
    await agent.snapshot(async (chunk) => {
      await handle.write(chunk);
      bytes += chunk.byteLength;
      progress(bytes);
    });
    await handle.sync();
    return bytes;
  } finally {
    await handle.close();
  }
}

/** What was sent ends with a hash of all of it. */
async function readBack(path: string) {
  const { header, pages } = await openSnapshot(path);
  let rows = 0;
  for await (const page of pages) rows += page.length;
  const { device, epoch, at, storeKey } = header;
  return { device, epoch, at, encrypted: storeKey !== null, rows };
}

function unwritable(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_INPUT_INVALID', { why, cause });
}
