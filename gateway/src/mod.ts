export type { CallExecutor, Handler, HandlerInfo, Handlers } from './core/handler-ports.ts';
export type { HandlerPolicy } from './core/handlers.ts';
export type * from './core/dispatch.ts';
export type * from './core/ledger.ts';
export type { DeviceLive, DeviceState } from './core/live.ts';
export type { Arrival } from './core/session-ports.ts';
export { Gateway, type GatewayOptions } from './gateway.ts';
