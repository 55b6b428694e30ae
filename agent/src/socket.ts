export { checkSocketPath } from './io/socket-path.ts';
export {
  createSocketServer,
  type SocketServer,
  type SocketServerOptions,
} from './io/socket-server.ts';
