// WebSocket in one place: few devices need it, and only what dials such an address loads it.
import type { Duplex } from 'node:stream';
import type { Socket } from 'node:net';
import { WebSocket, createWebSocketStream } from 'ws';

/** Far more than any packet of the protocol; the library would take 100 MiB. */
const FRAME_BYTES_MAX = 1024 * 1024;

/**
 * Speaks WebSocket on a connection, which may still be on its way.
 *
 * @returns What MQTT is spoken on. It is destroyed with the connection, and with its error.
 */
export function speakWebSocket(url: string, socket: Socket): Duplex {
  const webSocket = new WebSocket(url, 'mqtt', {
    createConnection: () => socket,
    perMessageDeflate: false,
    maxPayload: FRAME_BYTES_MAX,
  });
  const stream = createWebSocketStream(webSocket);
  webSocket.on('close', () => stream.destroy());
  return stream;
}
