import { createServer, type IncomingMessage } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import type { WebSocketServer } from './ws.ts';

const loadWs = () => import('./ws.ts');

export interface MqttStreamsOptions {
  /** Until something of MQTT has to be there. */
  readonly connectMsMax: number;
  /** Twice the largest packet: clients put one in a frame, or several small ones. */
  readonly frameBytesMax: number;
  readonly onRefused: (reason: 'slow' | 'malformed') => void;
  /** MQTT is spoken on this stream, which came by this socket. */
  readonly onStream: (stream: Duplex, socket: Socket) => void;
}

/** No packet of MQTT with which a client may begin has this for its first byte: it begins `GET`. */
const G = 0x47;
const HEADER_BYTES_MAX = 8 * 1024;

/**
 * Finds out by its first byte whether a client speaks MQTT at once or by WebSocket; so one port,
 * and all that guards it, is there for both.
 *
 * @returns Takes a socket of which nothing has been read.
 */
export function mqttStreams(options: MqttStreamsOptions): (socket: Socket) => void {
  const upgrade = webSockets(options);
  return (socket) => {
    const late = setTimeout(() => {
      options.onRefused('slow');
      socket.destroy();
    }, options.connectMsMax);
    const done = () => clearTimeout(late);
    socket.on('error', () => {});
    socket.once('close', done);
    socket.once('readable', () => {
      const chunk = socket.read() as Buffer | null; // No encoding is set.
      if (chunk === null) return;
      socket.unshift(chunk);
      if (chunk[0] === G) return upgrade(socket, done);
      done();
      options.onStream(socket, socket);
    });
  };
}

/** Takes requests to become a WebSocket, whatever their path: what is before it may change that. */
function webSockets(options: MqttStreamsOptions) {
  const maxPayload = options.frameBytesMax;
  let server: WebSocketServer | undefined;
  const done = new WeakMap<Duplex, () => void>();
  const refuse = (socket: Duplex, status: string): void => {
    options.onRefused('malformed');
    socket.end(`HTTP/1.1 ${status}\r\nConnection: close\r\n\r\n`, () => socket.destroy());
  };
  // It listens nowhere: it is given the connections that were let in.
  const rules = { maxHeaderSize: HEADER_BYTES_MAX, requireHostHeader: false };
  const http = createServer(rules, ({ socket }) => {
    refuse(socket, '426 Upgrade Required');
  });
  http.on('clientError', (_error, socket) => refuse(socket, '400 Bad Request'));
  http.on('upgrade', (request, socket, head) => {
    if (!isOfNoOtherSite(request)) return refuse(socket, '403 Forbidden');
    const take = async (): Promise<void> => {
      const { WebSocketServer, createWebSocketStream } = await loadWs();
      server ??= new WebSocketServer({ noServer: true, clientTracking: false, maxPayload }).on(
        'wsClientError',
        (_error, from) => refuse(from, '400 Bad Request'),
      );
      server.handleUpgrade(request, socket, head, (webSocket) => {
        done.get(socket)?.();
        const stream = createWebSocketStream(webSocket);
        webSocket.on('close', () => stream.destroy());
        options.onStream(stream, request.socket);
      });
    };
    take().catch(() => socket.destroy());
  });
  return (socket: Socket, onUpgraded: () => void): void => {
    done.set(socket, onUpgraded);
    http.emit('connection', socket);
  };
}

/** A page of another site, in the browser of somebody who reaches this port, is no device. */
function isOfNoOtherSite({ headers: { origin, host } }: IncomingMessage): boolean {
  if (origin === undefined) return true;
  return URL.canParse(origin) && new URL(origin).hostname === hostnameOf(host);
}

function hostnameOf(host = ''): string | undefined {
  return URL.canParse(`http://${host}`) ? new URL(`http://${host}`).hostname : undefined;
}
