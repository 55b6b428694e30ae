export type { Tracer, TraceSpan } from '@holdfast/protocol';
export type * from './core/call.ts';
export { handlerPolicyDefault, type HandlerPolicy } from './core/handler-policy.ts';
export type {
  CallExecutor,
  CallOutcome,
  Handler,
  HandlerInfo,
  Handlers,
  InTransaction,
  SqlClient,
} from './core/handler-ports.ts';
export type * from './core/dispatch.ts';
export type * from './core/ledger.ts';
export type { DeviceLive, DeviceState } from './core/live.ts';
export type { Arrival } from './core/session-ports.ts';
export { Gateway } from './gateway.ts';
export type { GatewayOptions } from './gateway-options.ts';
