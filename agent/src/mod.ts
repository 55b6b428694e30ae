export {
  HoldfastError,
  type Duration,
  type ErrorCode,
  type Lane,
  type Log,
} from '@holdfast/protocol';
export { Agent } from './agent.ts';
export { agentVersion } from './agent-version.ts';
export type * from './agent-options.ts';
export { EntityHandle } from './entity-handle.ts';
export { RunHandle, type SendOptions } from './run-handle.ts';
export { ScheduleHandle } from './schedule-handle.ts';
export { entity, type Entity, type EntityChange, type EntityOptions } from './core/entity.ts';
export type * from './core/schedule-views.ts';
export type { Tracer, TraceSpan } from '@holdfast/protocol';
export type * from './core/views.ts';
export type { Erased } from './core/erasure.ts';
export type { MarkedOptions, MarkOptions } from './core/mark.ts';
export {
  signal,
  type Signal,
  type SignalArguments,
  type SignalOptions,
} from './core/signal.ts';
export { services, type CallOf, type ServiceMap } from './core/services.ts';
export * from './core/workflow.ts';
