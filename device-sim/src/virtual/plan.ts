import { HoldfastError } from '@holdfast/protocol';
import type { Weather } from './sim-network.ts';
import { fairWeather } from './sim-network.ts';

/** How often something happens, on average, and how long it lasts. `everyMs` 0: never. */
export interface Mishap {
  readonly everyMs: number;
  readonly forMs: number;
}

const never: Mishap = { everyMs: 0, forMs: 0 };

/** What a world is made of, and what happens to it. Times in ms. */
export interface Plan {
  readonly devices: number;
  /** How long things go wrong; then they heal, and everything must come to its end. */
  readonly durationMs: number;
  /** How often each device starts a run. */
  readonly runEveryMs: number;
  /** How often each device emits an event outside of runs. */
  readonly emitEveryMs: number;
  /** …and how many at once. */
  readonly emitAtOnce: number;
  /** How often somebody at the gateway gives each device a command. */
  readonly orderEveryMs: number;
  /** How long commands are valid, at most; some for ever. */
  readonly orderForMs: number;
  readonly reportEveryMs: number;
  /** The longest pause of a device between two attempts to connect. */
  readonly reconnectMaxMs: number;
  readonly weather: Weather;
  /** Share of messages that a stranger answers with a forged one. */
  readonly forging: number;
  /** Chance that a body or a handler fails. */
  readonly failing: number;
  /** Of each device. */
  readonly outage: Mishap;
  /** Of each device: its messages vanish one way, or both, and nobody is told. */
  readonly silence: Mishap;
  /** The agent is killed, and starts again after a while. */
  readonly kill: Mishap;
  /** …and before, during or after the sync of a commit, with this chance for each. */
  readonly killAtCommit: number;
  /** As SIGSTOP. */
  readonly pause: Mishap;
  readonly slowDisk: Mishap;
  readonly fullDisk: Mishap;
  /** The wall clock of a device is set, by up to as much as it lasts, either way. */
  readonly clockJump: Mishap;
  readonly slowLink: Mishap;
  /** Of all devices at once. */
  readonly cityOutage: Mishap;
  readonly brokerDown: Mishap;
  readonly gatewayKill: Mishap;
  readonly gatewayKillAtPoint: number;
}

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

/** Nothing goes wrong. */
export const calm: Plan = {
  devices: 3,
  durationMs: 10 * MINUTE,
  runEveryMs: 30 * SECOND,
  emitEveryMs: 20 * SECOND,
  emitAtOnce: 1,
  orderEveryMs: 45 * SECOND,
  orderForMs: 3 * MINUTE,
  reportEveryMs: 30 * SECOND,
  reconnectMaxMs: MINUTE,
  weather: fairWeather,
  forging: 0,
  failing: 0,
  outage: never,
  silence: never,
  kill: never,
  killAtCommit: 0,
  pause: never,
  slowDisk: never,
  fullDisk: never,
  clockJump: never,
  slowLink: never,
  cityOutage: never,
  brokerDown: never,
  gatewayKill: never,
  gatewayKillAtPoint: 0,
};

const stormy: Plan = {
  ...calm,
  weather: { drop: 0.03, duplicate: 0.05, delay: 0.1, corrupt: 0.01 },
  forging: 0.05,
  failing: 0.2,
  outage: { everyMs: 3 * MINUTE, forMs: MINUTE },
  silence: { everyMs: 4 * MINUTE, forMs: 30 * SECOND },
  kill: { everyMs: 2 * MINUTE, forMs: 20 * SECOND },
  killAtCommit: 0.005,
  pause: { everyMs: 5 * MINUTE, forMs: 40 * SECOND },
  slowDisk: { everyMs: 5 * MINUTE, forMs: 30 * SECOND },
  fullDisk: { everyMs: 6 * MINUTE, forMs: 10 * SECOND },
  clockJump: { everyMs: 4 * MINUTE, forMs: 2 * HOUR },
  slowLink: { everyMs: 5 * MINUTE, forMs: MINUTE },
  brokerDown: { everyMs: 5 * MINUTE, forMs: 30 * SECOND },
  gatewayKill: { everyMs: 3 * MINUTE, forMs: 20 * SECOND },
  gatewayKillAtPoint: 0.01,
};

/** What can be run by name. */
export const plans: Readonly<Record<string, Plan>> = {
  calm,
  /** Everything at once, on few devices: for finding faults of ours. */
  storm: stormy,
  'city-outage': {
    ...calm,
    durationMs: 6 * HOUR,
    runEveryMs: 10 * MINUTE,
    emitEveryMs: 5 * MINUTE,
    orderEveryMs: 10 * MINUTE,
    orderForMs: 2 * HOUR,
    reportEveryMs: 5 * MINUTE,
    cityOutage: { everyMs: 2 * HOUR, forMs: HOUR },
  },
  /** The link is there for half a minute in three. */
  commute: { ...calm, durationMs: HOUR, outage: { everyMs: 30 * SECOND, forMs: 150 * SECOND } },
  brownout: {
    ...calm,
    durationMs: HOUR,
    kill: { everyMs: 3 * MINUTE, forMs: MINUTE },
    killAtCommit: 0.01,
  },
  herd: { ...calm, devices: 50, brokerDown: { everyMs: 2 * MINUTE, forMs: 30 * SECOND } },
  'slow-link': { ...calm, slowLink: { everyMs: 10 * SECOND, forMs: HOUR } },
  'gateway-roulette': {
    ...calm,
    gatewayKill: { everyMs: MINUTE, forMs: 15 * SECOND },
    gatewayKillAtPoint: 0.02,
  },
  'month-offline': {
    ...calm,
    durationMs: 720 * HOUR,
    runEveryMs: 12 * HOUR,
    emitEveryMs: 6 * HOUR,
    orderEveryMs: 12 * HOUR,
    orderForMs: 720 * HOUR,
    reportEveryMs: HOUR,
    reconnectMaxMs: 30 * MINUTE,
    outage: { everyMs: HOUR, forMs: 700 * HOUR },
  },
  /** Switched off for one to three months, and its clock is wrong by weeks when it comes back. */
  drawer: {
    ...calm,
    durationMs: 100 * DAY,
    runEveryMs: 12 * HOUR,
    emitEveryMs: 12 * HOUR,
    orderEveryMs: 2 * DAY,
    orderForMs: 90 * DAY,
    reportEveryMs: HOUR,
    kill: { everyMs: 12 * HOUR, forMs: 60 * DAY },
    clockJump: { everyMs: 20 * DAY, forMs: 30 * DAY },
  },
};

/** @throws HF_CONFIG_INVALID */
export function planNamed(name: string): Plan {
  const plan = Object.hasOwn(plans, name) ? plans[name] : undefined;
  if (plan !== undefined) return plan;
  const why = `there is no scenario ${name}; there are ${Object.keys(plans).join(', ')}`;
  throw new HoldfastError('HF_CONFIG_INVALID', { why });
}
