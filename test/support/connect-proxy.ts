import { once } from 'node:events';
import { createServer } from 'node:http';
import { connect, type AddressInfo, type Socket } from 'node:net';
import type { ExecutionContext } from 'ava';

/** What the proxy does with who asks for a way. */
export type ProxyMood = 'open' | 'forbids' | 'silent' | 'garbage';

/** A web proxy that opens ways by HTTP CONNECT, on a port of 127.0.0.1. */
export interface ConnectProxy {
  readonly url: string;
  mood: ProxyMood;
  /** Where ways were opened to, as they were asked for. */
  readonly ways: string[];
}

/** @param login `user:password` that is wanted; `undefined`: none. */
export async function startConnectProxy(
  t: ExecutionContext,
  login?: string,
): Promise<ConnectProxy> {
  const sockets = new Set<Socket>();
  const wanted = login && `Basic ${Buffer.from(login).toString('base64')}`;
  const ways: string[] = [];
  const proxy = { url: '', mood: 'open' as ProxyMood, ways };
  const server = createServer((_request, response) => response.writeHead(405).end());
  server.on('connection', (socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
  });
  server.on('connect', ({ url = '', headers }, near: Socket, head) => {
    if (proxy.mood === 'silent') return;
    if (proxy.mood === 'garbage') return void near.end('220 mail.example ESMTP\r\n');
    if (proxy.mood === 'forbids') return void near.end('HTTP/1.1 403 Forbidden\r\n\r\n');
    if (headers['proxy-authorization'] !== wanted) {
      const asks = 'Proxy-Authenticate: Basic realm="proxy"';
      return void near.end(`HTTP/1.1 407 Proxy Authentication Required\r\n${asks}\r\n\r\n`);
    }
    const { hostname, port } = new URL(`tcp://${url}`);
    const far = connect(Number(port), hostname, () => {
      ways.push(url);
      near.write('HTTP/1.1 200 Connection established\r\n\r\n');
      far.write(head);
      near.pipe(far).pipe(near);
    });
    sockets.add(far);
    far.on('error', () => near.end('HTTP/1.1 502 Bad Gateway\r\n\r\n'));
    near.on('close', () => far.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  proxy.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return proxy;
}
