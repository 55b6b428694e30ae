import { fairWeather, type Scenario } from './scenario.ts';

const SECOND = 1_000;
const MINUTE = 60 * SECOND;

/** Nothing goes wrong: what holds where a file says nothing else. */
export const calm: Scenario = {
  name: 'calm',
  about: 'nothing',
  devices: 3,
  durationMs: 10 * MINUTE,
  runEveryMs: 30 * SECOND,
  emitEveryMs: 20 * SECOND,
  emitAtOnce: 1,
  orderEveryMs: 45 * SECOND,
  orderForMs: 3 * MINUTE,
  failing: 0,
  hanging: 0,
  answeringTwice: 0,
  starts: [],
  gateways: 1,
  reportEveryMs: 30 * SECOND,
  reconnectMaxMs: MINUTE,
  keepMs: MINUTE,
  weather: fairWeather,
  forging: 0,
  killAtCommit: 0,
  killAtAwait: 0,
  gatewayKillAtPoint: 0,
  faults: [],
};
