import {
  execFile as execFileOf,
  execFileSync,
  spawn,
  type ChildProcess,
  type SpawnOptions,
} from 'node:child_process';
import { chownSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
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

/** As PostgreSQL names it, in its directory. */
const SOCKET = '.s.PGSQL.5432';
const execFile = promisify(execFileOf);

function newDir(): string {
  const dir = mkdtempSync(join(tmpdir(), 'holdfast-postgres-'));
  const { uid, gid } = asUser();
  if (uid !== undefined && gid !== undefined) chownSync(dir, uid, gid);
  return dir;
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
    const dir = newDir();
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

  /**
   * A server that follows this one: from then on a commit here waits until it is durable there,
   * too. It takes the place of this one once it is promoted.
   */
  async standby(): Promise<PostgresServer> {
    const dir = newDir();
    const from = ['-h', this.#dir, '-U', 'postgres', '-D', join(dir, 'data')];
    // Not the synchronous form: this process may serve what is at work meanwhile.
    await execFile(
      join(programs ?? '', 'pg_basebackup'),
      [...from, '--write-recovery-conf', '--wal-method=stream', '--checkpoint=fast', '--no-sync'],
      { ...asUser(), cwd: dir },
    );
    const standby = new PostgresServer(dir, this.#settings);
    process.once('exit', () => standby.kill());
    await standby.up(`select 1`);
    await this.ask('postgres', `alter system set synchronous_standby_names = '*'`);
    await this.ask('postgres', 'select pg_reload_conf()');
    const inStep = `select 1 from pg_stat_replication where sync_state = 'sync'`;
    await until('the standby to be in step', async () => {
      return (await this.ask('postgres', inStep)).length > 0;
    });
    return standby;
  }

  /** Has a standby be a server of its own, which waits for no other one. */
  async promote(): Promise<void> {
    await this.ask('postgres', 'select pg_promote()');
    await this.ask('postgres', 'alter system reset synchronous_standby_names');
    await this.ask('postgres', 'select pg_reload_conf()');
  }

  /** The file of its socket, which a name for it can be a link to. */
  get socket(): string {
    return join(this.#dir, SOCKET);
  }

  /** Starts the server, and waits until it answers. */
  async up(question = 'select 1 where not pg_is_in_recovery()'): Promise<void> {
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
      try {
        return (await this.ask('postgres', question)).length > 0;
      } catch {
        return false;
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
