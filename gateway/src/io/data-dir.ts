import { access, constants, rm, stat } from 'node:fs/promises';
import { createServer, type Server } from 'node:net';
import { join, resolve } from 'node:path';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import { writeWhole } from './durable-file.ts';
import { makeDirs } from './make-dirs.ts';

/**
 * The directory of a gateway:
 *
 *   ledger/                the ledger's store
 *   identity/gateway.key   the gateway's private key
 *   access/                users, API tokens and the audit log
 *   gateway.json           where the running gateway listens; gone when it has ended in order
 *   local.token            lets who may read it use the API of the running gateway; gone with it
 */
export interface DataDir {
  readonly path: string;
  readonly ledger: string;
  readonly access: string;
  readonly tokenFile: string;
  /**
   * Tells commands on this machine where the running gateway listens.
   *
   * @param localToken For the file that only the user of the gateway can read.
   */
  announce(running: RunningGateway, localToken: string): Promise<void>;
  /** Takes the announcement back and lets others have the directory. */
  release(): Promise<void>;
}

/** What `gateway.json` holds. */
export interface RunningGateway {
  readonly pid: number;
  /** URL of the HTTP API; `null`: none is served. */
  readonly http: string | null;
  /** SHA-256 of the certificate that the API shows; `null`: it shows none. */
  readonly certificate: string | null;
  /** URL for devices. */
  readonly mqtt: string;
  /** RFC 3339. */
  readonly startedAt: string;
}

/** Directories that this process has open: LevelDB must not even be asked twice. */
const held = new Set<string>();

/**
 * Takes the directory for this process.
 *
 * @param isNew Make it if it is missing.
 * @throws HF_DATA_DIR_UNUSABLE, HF_DATA_DIR_MISSING, HF_STORE_LOCKED.
 */
export async function openDataDir(
  path: string,
  { isNew }: { readonly isNew: boolean },
): Promise<DataDir> {
  await checkUsable(path, isNew);
  const unlock = await lock(path);
  const file = join(path, 'gateway.json');
  const tokenFile = join(path, 'local.token');
  return {
    path,
    ledger: join(path, 'ledger'),
    access: join(path, 'access'),
    tokenFile,
    async announce(running, localToken) {
      await writeWhole(tokenFile, `${localToken}\n`, 0o600);
      await writeWhole(file, `${JSON.stringify(running)}\n`, 0o644);
    },
    async release() {
      if (isNew) for (const each of [file, tokenFile]) await rm(each, { force: true });
      await unlock();
    },
  };
}

async function checkUsable(path: string, isNew: boolean): Promise<void> {
  try {
    if (isNew) await makeDirs(resolve(path));
    const found = await stat(path).catch(() => undefined);
    if (found === undefined) {
      throw new HoldfastError('HF_DATA_DIR_MISSING', { why: `there is no ${path}` });
    }
    if (!found.isDirectory()) {
      throw new HoldfastError('HF_DATA_DIR_UNUSABLE', { why: `${path} is not a directory` });
    }
    await access(path, constants.R_OK | constants.W_OK | constants.X_OK);
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('HF_DATA_DIR_UNUSABLE', { why: messageOf(cause), cause });
  }
}

/**
 * A lock that goes with the process and that nothing can leave behind: a name in the kernel, made
 * of the directory's device and inode. Elsewhere than on Linux only LevelDB's own lock is left.
 */
async function lock(path: string): Promise<() => Promise<void>> {
  const { dev, ino } = await stat(path);
  const name = `holdfast-gateway-${dev}-${ino}`;
  if (held.has(name)) throw locked(path);
  held.add(name);
  try {
    const server = process.platform === 'linux' ? await bind(name, path) : undefined;
    return async () => {
      if (server !== undefined) await new Promise((done) => server.close(done));
      held.delete(name);
    };
  } catch (error) {
    held.delete(name);
    throw error;
  }
}

function bind(name: string, path: string): Promise<Server> {
  return new Promise((bound, reject) => {
    const server = createServer((socket) => socket.destroy());
    server.unref();
    server.once('error', (cause) => reject(locked(path, cause)));
    server.listen(`\0${name}`, () => bound(server));
  });
}

function locked(path: string, cause?: Error): HoldfastError {
  const why = `${path} belongs to a gateway that runs`;
  return new HoldfastError('HF_STORE_LOCKED', { why, details: { path }, cause });
}
