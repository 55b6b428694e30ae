// The servers that peers need, each in a directory and on ports of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { PostgresServer } from '@holdfast/device-sim/internal';
import { HoldfastError } from '@holdfast/protocol';
import { killTree } from './process-tree.mjs';

const alive = new Set();
process.on('exit', () => killTree([...alive].map(({ pid }) => pid)));

/** A port that is free now. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address();
  server.close();
  await once(server, 'close');
  return port;
}

/** A process that is killed with this one; `close` ends it in order. */
export function startServer(file, args, env = {}) {
  const child = spawn(file, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...env },
  });
  alive.add(child);
  let words = '';
  child.stderr.on('data', (chunk) => (words = (words + chunk).slice(-2_000)));
  const ended = once(child, 'close').then(() => alive.delete(child));
  const close = async (signal = 'SIGTERM') => {
    child.kill(signal);
    await ended;
  };
  return { pid: child.pid, close, words: () => words };
}

/** Resolves once it is so. */
export async function until(isSo, what, ms = 60_000) {
  const startedAt = performance.now();
  for (;;) {
    const found = await Promise.resolve(isSo()).catch(() => undefined);
    if (found) return found;
    if (performance.now() - startedAt > ms)
      throw new HoldfastError('HF_WAIT_TIMEOUT', { why: what });
    await pause(50);
  }
}

/** PostgreSQL with its own ideas of durability: it syncs. */
export async function openPostgres() {
  const server = await PostgresServer.start();
  const { pathname, searchParams } = await server.empty();
  const dir = searchParams.get('host');
  let isUp = true;
  return {
    place: { url: `postgresql://postgres@localhost${pathname}?host=${encodeURIComponent(dir)}` },
    async up() {
      if (!isUp) await server.up();
      isUp = true;
    },
    // Its first line.
    pids: () => [Number.parseInt(readFileSync(join(dir, 'data', 'postmaster.pid'), 'utf8'), 10)],
    async crash() {
      await server.crash();
      isUp = false;
    },
  };
}

/** A Restate server with its defaults, for a service of the contestant's process. */
export async function restateServer(dir) {
  const file = createRequire(import.meta.url).resolve('@restatedev/restate-server/package.json');
  const [admin, ingress, node, port] = await Promise.all([1, 2, 3, 4].map(freePort));
  let [server, isKnown] = [undefined, false];
  const askAdmin = (path, body) =>
    fetch(`http://127.0.0.1:${admin}/${path}`, {
      ...(body && { method: 'POST', body: JSON.stringify(body) }),
      headers: { 'content-type': 'application/json' },
    }).then(({ ok }) => ok);
  return {
    place: { port, ingress: `http://127.0.0.1:${ingress}` },
    async up() {
      const args = [file.replace('package.json', 'lib/index.js'), '--base-dir', dir];
      server = startServer(process.execPath, args, {
        RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
        RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
        RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
        RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
      });
      await until(() => askAdmin('health'), `Restate is there: ${server.words()}`);
    },
    /** The contestant serves: it is made known once. */
    async isOpen() {
      const deployment = { uri: `http://127.0.0.1:${port}` };
      if (!isKnown) await until(() => askAdmin('deployments', deployment), 'Restate knows it');
      isKnown = true;
    },
    pids: () => [server.pid],
    async crash() {
      killTree([server.pid]);
      await server.close('SIGKILL');
    },
  };
}
