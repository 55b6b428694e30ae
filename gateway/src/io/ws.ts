// WebSocket in one place: the build puts all that it needs into the compiled form of this file. The
// first client that speaks it has it loaded.
export { WebSocketServer, createWebSocketStream } from 'ws';
