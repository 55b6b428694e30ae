import { once } from 'node:events';
import { stat } from 'node:fs/promises';
import { connect, createServer, type Server } from 'node:net';
import { HoldfastError } from '@holdfast/protocol';
import { giveBack } from './give-back.ts';

/** How long the holder of a lock has to say its process id; only a message depends on it. */
const HOLDER_ANSWER_MS = 500;

/** Directories that this process holds. A second open must not even touch LevelDB's own lock. */
const heldHere = new Set<string>();

/**
 * Takes a directory for this process, whatever path it is reached by. The lock vanishes with the
 * process, however that ends, and leaves nothing behind: on Linux it is an abstract socket named
 * after the directory's device and inode, which also tells a rival our process id. Elsewhere, and
 * between network namespaces, it holds within the process, and LevelDB's own lock does the rest.
 *
 * @returns Gives it back, with what root has made in it.
 * @throws HF_STORE_LOCKED.
 */
export async function lockDir(dir: string): Promise<() => Promise<void>> {
  const { dev, ino } = await stat(dir, { bigint: true });
  const key = `${dev}-${ino}`;
  if (heldHere.has(key)) throw locked(dir, process.pid);
  heldHere.add(key);
  try {
    const server = process.platform === 'linux' ? await claim(dir, `\0holdfast-${key}`) : undefined;
    return async () => {
      await giveBack(dir);
      server?.close();
      if (server) await once(server, 'close');
      heldHere.delete(key);
    };
  } catch (error) {
    heldHere.delete(key);
    throw error;
  }
}

async function claim(dir: string, name: string): Promise<Server | undefined> {
  const server = createServer((rival) => {
    rival.on('error', () => {}); // It may be gone before it has heard us.
    // Not left to the rival to close: it may be stopped, and giving back the lock would wait.
    rival.end(String(process.pid), () => rival.destroy());
  });
  server.listen(name);
  server.unref();
  try {
    await once(server, 'listening');
    return server;
  } catch (error) {
    const isTaken = error instanceof Error && 'code' in error && error.code === 'EADDRINUSE';
    if (isTaken) throw locked(dir, await holderOf(name));
    // A sandbox without Unix sockets: LevelDB's lock remains.
    return undefined;
  }
}

function holderOf(name: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const socket = connect(name);
    let answer = '';
    socket.setEncoding('utf8').setTimeout(HOLDER_ANSWER_MS, () => socket.destroy());
    socket.on('data', (text: string) => (answer += text));
    socket.on('error', () => {}); // `close` follows.
    socket.on('close', () => resolve(/^\d+$/.test(answer) ? Number(answer) : undefined));
  });
}

function locked(dir: string, pid: number | undefined): HoldfastError {
  const who = pid === undefined ? 'another process' : `process ${pid}`;
  const holder = pid === process.pid ? 'this very process' : who;
  return new HoldfastError('HF_STORE_LOCKED', {
    why: `${dir} is held by ${holder}`,
    details: { dir, ...(pid === undefined ? {} : { pid }) },
  });
}
