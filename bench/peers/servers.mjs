// The servers that peers need, each in a directory and on ports of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import { PostgresServer } from '@holdfast/device-sim/internal';
import { HoldfastError } from '@holdfast/protocol';
import * as restate from '@restatedev/restate-sdk';

// Restate's SDK is made for a later Node, and needs this one word of it.
Promise.withResolvers ??= function withResolvers() {
  const parts = {};
  parts.promise = new this((resolve, reject) => Object.assign(parts, { resolve, reject }));
  return parts;
};

const alive = new Set();
process.on('exit', () => {
  for (const child of alive) child.kill('SIGKILL');
});

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
  const at = encodeURIComponent(searchParams.get('host'));
  return {
    url: `postgresql://postgres@localhost${pathname}?host=${at}`,
    close: () => server.kill(),
  };
}

/** A Restate server with its defaults, that knows a service of this process. */
export async function startRestate(dir, service) {
  const file = createRequire(import.meta.url).resolve('@restatedev/restate-server/package.json');
  const [admin, ingress, node, own] = await Promise.all([1, 2, 3, 4].map(freePort));
  const server = startServer(
    process.execPath,
    [file.replace('package.json', 'lib/index.js'), '--base-dir', dir],
    {
      RESTATE_ADMIN__BIND_ADDRESS: `127.0.0.1:${admin}`,
      RESTATE_INGRESS__BIND_ADDRESS: `127.0.0.1:${ingress}`,
      RESTATE_BIND_ADDRESS: `127.0.0.1:${node}`,
      RESTATE_ADVERTISED_ADDRESS: `http://127.0.0.1:${node}`,
    },
  );
  await restate.serve({ services: [service], port: own });
  const health = () => fetch(`http://127.0.0.1:${admin}/health`).then(({ ok }) => ok);
  await until(health, `Restate is there: ${server.words()}`);
  const register = () =>
    fetch(`http://127.0.0.1:${admin}/deployments`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ uri: `http://127.0.0.1:${own}` }),
    }).then(({ ok }) => ok);
  await until(register, 'Restate knows the service');
  return { ...server, ingress: `http://127.0.0.1:${ingress}` };
}
