import { once } from 'node:events';
import { createConnection, createServer, type AddressInfo, type Socket } from 'node:net';

/** Passes bytes of a TCP connection on to a port of this machine, and counts them. */
export async function countingWire(port: number) {
  const passed = { up: 0, down: 0 };
  const ends = new Set<Socket>();
  const server = createServer({ noDelay: true }, (near) => {
    const far = createConnection({ host: '127.0.0.1', port, noDelay: true });
    near.on('data', (chunk: Buffer) => (passed.up += chunk.byteLength));
    far.on('data', (chunk: Buffer) => (passed.down += chunk.byteLength));
    for (const [end, other] of [
      [near, far],
      [far, near],
    ] as const) {
      ends.add(end);
      end.pipe(other).on('error', () => end.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const close = (): void => {
    server.close();
    for (const end of ends) end.destroy();
  };
  // It listens at a port of TCP, so its address has one.
  return { url: `mqtt://127.0.0.1:${(server.address() as AddressInfo).port}`, passed, close };
}
