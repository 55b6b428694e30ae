import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '@holdfast/protocol';
import { SOCKET_NAME, SOCKET_NOTE } from '../core/surface.ts';
import { writeDurably } from './durable-file.ts';
import {
  createSocketServer,
  type SocketServer,
  type SocketServerOptions,
} from './socket-server.ts';

/**
 * Serves the surface, and, where the socket is elsewhere than commands look for it, leaves a note
 * of its path in the data directory. A note that is left behind by a crash leads to nobody, like
 * the socket itself.
 *
 * @throws HF_SOCKET_TAKEN, HF_CONFIG_INVALID.
 */
export async function serveNoted(
  dataDir: string,
  options: SocketServerOptions,
): Promise<SocketServer> {
  const { path, log } = options;
  const server = await createSocketServer(options);
  const note = join(dataDir, SOCKET_NOTE);
  try {
    if (path === join(dataDir, SOCKET_NAME)) await rm(note, { force: true });
    else writeDurably(note, `${path}\n`, 0o644);
  } catch (error) {
    // A full disk must not keep the agent from running: --socket leads to it all the same.
    log.error('the path of the socket is not noted', { path, note, error: messageOf(error) });
  }
  const close = async (): Promise<void> => {
    await server.close();
    await rm(note, { force: true });
  };
  return { path, close };
}
