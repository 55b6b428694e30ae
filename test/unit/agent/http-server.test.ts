import { createHook } from 'node:async_hooks';
import { once } from 'node:events';
import type { Server, ServerResponse } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import { setTimeout as pause } from 'node:timers/promises';
import test, { type ExecutionContext } from 'ava';
import { createBoundedServer } from '@holdfast/agent/internal';

const REQUEST_MS = 300;
const request = 'GET / HTTP/1.1\r\nHost: a\r\n\r\n';

async function listening(
  t: ExecutionContext,
  answer: (response: ServerResponse) => void,
): Promise<() => Promise<Socket>> {
  const server: Server = createBoundedServer((_request, response) => answer(response), REQUEST_MS);
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return async () => {
    const { port } = server.address() as AddressInfo; // It listens at a port.
    const socket = connect(port, '127.0.0.1').setEncoding('latin1');
    t.teardown(() => socket.destroy());
    await once(socket, 'connect');
    return socket;
  };
}

test('a request that is late ends its connection, the first and a later one', async (t) => {
  const open = await listening(t, (response) => response.end('well'));
  const first = await open();
  first.write(request.slice(0, 20));
  await once(first, 'close');

  const second = await open();
  second.write(request);
  const [answer] = (await once(second, 'data')) as [string];
  t.true(answer.startsWith('HTTP/1.1 200'));
  second.write(request.slice(0, 20));
  await once(second, 'close');
});

test('an answer takes as long as it takes, once its request is there', async (t) => {
  const open = await listening(t, (response) => {
    void pause(3 * REQUEST_MS).then(() => response.end('late'));
  });
  const socket = await open();
  socket.write(request);

  const [answer] = (await once(socket, 'data')) as [string];

  t.true(answer.endsWith('late') || answer.startsWith('HTTP/1.1 200'));
});

test('a server that nobody is connected to wakes nobody', async (t) => {
  const delays: number[] = [];
  const hook = createHook({
    init(_id, type, _trigger, resource: Readonly<Record<string, unknown>>) {
      if (type === 'Timeout') delays.push(Number(resource['_idleTimeout']));
    },
  }).enable();
  t.teardown(() => hook.disable());
  const server = createBoundedServer(() => {});
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  hook.disable();
  server.close();

  t.true(delays.length > 0, 'what Node makes is seen');
  t.deepEqual(delays.filter((ms) => ms < 3_600_000), []);
});
