// The engines with the servers that they need, to be started, killed and started again.
import { spawn } from 'node:child_process';
import { on, once } from 'node:events';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HoldfastError } from '@holdfast/protocol';
import { names } from './engines.mjs';
import { killTree } from './process-tree.mjs';
import { openPostgres, restateServer } from './servers.mjs';

const START_MS = 60_000;
const late = Symbol('late');
const program = fileURLToPath(new URL('contestant.mjs', import.meta.url));

/** What an engine needs beside its own process: `{ place, up, pids, crash }`. */
const servers = {
  Holdfast: () => ({ place: {}, up: async () => {}, pids: () => [], crash: async () => {} }),
  Restate: (dir) => restateServer(join(dir, 'server')),
  DBOS: () => openPostgres(),
};

/** One of them, with what it has kept in a directory of its own. */
class Contestant {
  #server;
  #dir;
  #hung;
  #child;
  #messages;

  constructor(name, dir, hung, server) {
    this.name = name;
    this.#dir = dir;
    this.#hung = hung;
    this.#server = server;
  }

  /** Starts the servers and the process; resolves once it is open. */
  async start() {
    await this.#server.up();
    const place = JSON.stringify({ dir: this.#dir, hung: this.#hung, ...this.#server.place });
    this.#child = spawn(process.execPath, [program, this.name, place], {
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    this.#messages = on(this.#child, 'message', { close: ['exit'] });
    await this.message(START_MS);
    await this.#server.isOpen?.();
  }

  /** The next that it says, within that time. */
  async message(ms) {
    const next = await Promise.race([this.#messages.next(), pause(ms, late, { ref: false })]);
    if (next === late) {
      // What it says later would be taken for the answer to another order.
      killTree([this.#child.pid]);
      throw new HoldfastError('HF_WAIT_TIMEOUT', { why: `${ms} ms` });
    }
    if (next.done) throw new HoldfastError('HF_PROCESS_FAILED', { why: this.name });
    return next.value[0];
  }

  order(order) {
    this.#child.send(order);
  }

  /** Of all its processes. */
  get pids() {
    return [this.#child.pid, ...this.#server.pids()];
  }

  /** Kills all of it, as a power cut does. */
  async kill() {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'close');
      killTree([this.#child.pid]);
      await ended;
    }
    await this.#server.crash();
  }
}

/** @param hung With how many stuck runs it says so. */
export async function contestantsIn(dir, hung = 0) {
  const all = [];
  for (const name of names) {
    const own = join(dir, name);
    await mkdir(own, { recursive: true });
    all.push(new Contestant(name, own, hung, await servers[name](own)));
  }
  return all;
}
