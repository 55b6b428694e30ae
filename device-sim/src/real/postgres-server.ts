import { execFileSync, spawn, type ChildProcess, type SpawnOptions } from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { openDatabase, type Queryable } from '@holdfast/gateway/internal';
import { until } from './until.ts';

/** Where Debian keeps the programs of the newest version that is installed. */
function findPrograms(): string | undefined {
  const root = '/usr/lib/postgresql';
  if (!existsSync(root)) return undefined;
  const versions = readdirSync(root).toSorted((a, b) => Number(b) - Number(a));
  const found = versions.map((version) => join(root, version, 'bin'));
  return found.find((bin) => existsSync(join(bin, 'initdb')));
}

const START_MS = 30_000;

const programs = findPrograms();

/** Empty: there is a PostgreSQL that can be started. Else what is needed, in words. */
export const postgresIsMissing = programs === undefined ? 'needs postgresql' : '';

/** PostgreSQL refuses to run as root. */
function asUser(): Pick<SpawnOptions, 'uid' | 'gid'> {
  if (process.getuid?.() !== 0) return {};
  const id = (flag: string) => Number(execFileSync('id', [flag, 'postgres'], { encoding: 'utf8' }));
  return { uid: id('-u'), gid: id('-g') };
}

/** A server of one's own, on a socket in a directory of its own. */
export class PostgresServer {
  readonly #dir: string;
  readonly #settings: readonly string[];
  #server: ChildProcess | undefined;
  #databases = 0;

  private constructor(dir: string, settings: readonly string[]) {
    this.#dir = dir;
    this.#settings = settings;
  }

  /** @param settings Beyond the usual ones, as `name=value`. */
  static async start(settings: readonly string[] = []): Promise<PostgresServer> {
    const dir = mkdtempSync(join(tmpdir(), 'holdfast-postgres-'));
    const { uid, gid } = asUser();
    if (uid !== undefined && gid !== undefined) chownSync(dir, uid, gid);
    const data = ['-D', join(dir, 'data'), '-U', 'postgres', '--auth=trust', '--no-sync'];
    const form = ['--encoding=UTF8', '--locale=C.UTF-8', '--no-instructions'];
    execFileSync(join(programs ?? '', 'initdb'), [...data, ...form], {
      ...asUser(),
      cwd: dir,
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    const server = new PostgresServer(dir, settings);
    process.once('exit', () => server.kill());
    await server.up();
    return server;
  }

  /** Starts the server, and waits until it answers. */
  async up(): Promise<void> {
    const settings = ['listen_addresses=', 'max_connections=60', 'shared_buffers=64MB'];
    const given = [...settings, ...this.#settings].flatMap((setting) => ['-c', setting]);
    const args = ['-D', join(this.#dir, 'data'), '-k', this.#dir, ...given];
    const server = spawn(join(programs ?? '', 'postgres'), args, {
      ...asUser(),
      cwd: this.#dir,
      stdio: 'ignore',
    });
    this.#server = server;
    // It ends with the process that started it, and does not keep that one alive.
    server.unref();
    const answers = async (): Promise<boolean> => {
      const database = openDatabase(this.url('postgres'));
      try {
        await database.check();
        return true;
      } catch {
        return false;
      } finally {
        await database.close();
      }
    };
    await until('PostgreSQL to answer', answers, START_MS);
  }

  /** The address of a database; `empty` makes them. */
  url(database: string): URL {
    return new URL(`postgres:///${database}?host=${encodeURIComponent(this.#dir)}&user=postgres`);
  }

  /** Makes a database. @returns Its address. */
  async empty(): Promise<URL> {
    const name = `test_${(this.#databases += 1)}`;
    await this.ask('postgres', `create database ${name}`);
    return this.url(name);
  }

  /** Asks a database as its owner. */
  async ask(database: string | URL, text: string, values: unknown[] = []): Promise<unknown[][]> {
    const to = openDatabase(typeof database === 'string' ? this.url(database) : database);
    try {
      const ask: Parameters<Queryable['query']>[0] = { text, values, rowMode: 'array' };
      return (await to.query(ask)).rows;
    } finally {
      await to.close();
    }
  }

  /** Ends it as a failing machine does: nothing is put in order. */
  async crash(): Promise<void> {
    await this.#end('SIGQUIT');
  }

  async stop(): Promise<void> {
    await this.#end('SIGINT');
    rmSync(this.#dir, { recursive: true, force: true });
  }

  /** For the end of the process that started it. */
  kill(): void {
    this.#server?.kill('SIGQUIT');
    rmSync(this.#dir, { recursive: true, force: true });
  }

  async #end(signal: NodeJS.Signals): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (server === undefined || server.exitCode !== null) return;
    server.ref();
    const ended = new Promise((done) => server.once('exit', done));
    server.kill(signal);
    await ended;
  }
}
