export {
  HoldfastError,
  type Duration,
  type ErrorCode,
  type Lane,
  type Log,
} from '@holdfast/protocol';
export {
  Agent,
  agentVersion,
  type AgentOptions,
  type ConditionCheck,
  type ScheduleOptions,
  type StartOptions,
} from './agent.ts';
export { RunHandle } from './run-handle.ts';
export type * from './core/views.ts';
export * from './core/workflow.ts';
