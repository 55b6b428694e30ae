export {
  crashEverywhere,
  type CrashEverywhereOptions,
  type CrashReport,
  type RunEnd,
} from './crash-everywhere.ts';
export { Life, type LifeOptions } from './life.ts';
export { replay, type Parting, type ReplayHistory, type ReplayReport } from '../io/replay.ts';
export { simAttempts } from './sim-attempts.ts';
export { SimChance } from './sim-chance.ts';
export { SimClock } from './sim-clock.ts';
export { SimStore, type Outcome } from './sim-store.ts';
export {
  TestDevice,
  type TestDeviceOptions,
  type TestEvent,
  type TestSchedule,
} from './test-device.ts';
export type { TestCallInfo, TestHandler, TestHandlers } from './test-gateway.ts';
export { TestRun } from './test-run.ts';
export type { StepAttempt } from './watched-workflow.ts';
