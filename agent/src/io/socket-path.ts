import { lstat, unlink } from 'node:fs/promises';
import { connect } from 'node:net';
import { HoldfastError, messageOf } from '@holdfast/protocol';

/** The kernel's `sockaddr_un` has 108 bytes, the final NUL included. */
export const SOCKET_PATH_BYTES_MAX = 107;

/** A live agent answers a connection at once; one that is stopped by a debugger holds it open. */
const PROBE_MS = 2_000;

/** @throws HF_CONFIG_INVALID for a path that no socket can have. */
export function checkSocketPath(path: string): void {
  const bytes = Buffer.byteLength(path);
  if (bytes > SOCKET_PATH_BYTES_MAX) {
    throw new HoldfastError('HF_CONFIG_INVALID', {
      why:
        `the socket path ${path} has ${bytes} bytes; the system takes ${SOCKET_PATH_BYTES_MAX}: ` +
        'give a shorter one with --socket',
    });
  }
}

/**
 * Makes the path free to listen on: the socket that a dead agent has left is removed.
 *
 * @throws HF_SOCKET_TAKEN when somebody listens there, HF_CONFIG_INVALID when it cannot be used.
 */
export async function claimSocketPath(path: string): Promise<void> {
  checkSocketPath(path);
  try {
    if (!(await lstat(path)).isSocket()) throw unusable(path, 'it exists and is no socket');
    if (await isAnswered(path)) {
      throw new HoldfastError('HF_SOCKET_TAKEN', { why: `an agent answers on ${path}` });
    }
    await unlink(path);
  } catch (error) {
    if (error instanceof HoldfastError) throw error;
    if (!isMissing(error)) throw unusable(path, messageOf(error), error);
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ENOENT';
}

export function unusable(path: string, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_CONFIG_INVALID', {
    why: `the socket ${path} cannot be used: ${why}`,
    cause,
  });
}

/** Whether a process listens; silence counts as one that does. */
function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    const finish = (answered: boolean) => {
      socket.destroy();
      resolve(answered);
    };
    socket.setTimeout(PROBE_MS, () => finish(true));
    socket.on('connect', () => finish(true));
    socket.on('error', (error) => {
      if ('code' in error && (error.code === 'ECONNREFUSED' || error.code === 'ENOENT')) {
        finish(false);
      } else reject(error);
    });
  });
}
