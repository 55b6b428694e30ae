import { fairWeather, type Scenario } from '../scenario/scenario.ts';
import type { PlantedBug } from './planted-bug.ts';
import { simulate } from './simulate.ts';
import type { SimCode } from './world.ts';

export interface ShrinkOptions {
  /** One that violates a promise with this seed. */
  readonly scenario: Scenario;
  readonly seed: number;
  readonly code?: SimCode | undefined;
  readonly bug?: PlantedBug | undefined;
  /** Asked before each try. */
  readonly isTimeOver?: () => boolean;
}

/**
 * Makes a failing scenario smaller for as long as it fails: fewer devices, less time, fewer faults,
 * and less of what is always there.
 *
 * @returns One that fails with the same seed.
 */
export async function shrink(options: ShrinkOptions): Promise<Scenario> {
  const { seed, code, bug, isTimeOver = () => false } = options;
  let smallest = options.scenario;
  const fails = async (scenario: Scenario): Promise<boolean> =>
    (await simulate({ scenario, seed, code, bug })).violations.length > 0;
  for (let hasShrunk = true; hasShrunk;) {
    hasShrunk = false;
    for (const smaller of smallerThan(smallest)) {
      if (isTimeOver()) return smallest;
      // Each try builds on the one before.
      if (!(await fails(smaller))) continue;
      smallest = smaller;
      hasShrunk = true;
      break;
    }
  }
  return smallest;
}

const DURATION_MS_MIN = 30_000;
const chances = [
  ...(['forging', 'failing', 'hanging', 'answeringTwice'] as const),
  ...(['killAtCommit', 'killAtAwait', 'gatewayKillAtPoint'] as const),
];

const works = ['emitEveryMs', 'orderEveryMs', 'runEveryMs'] as const;

/** What is one step smaller, the largest steps first. */
function* smallerThan(scenario: Scenario): Generator<Scenario> {
  const { devices, durationMs, faults, weather } = scenario;
  for (const fewer of new Set([1, Math.floor(devices / 2), devices - 1])) {
    if (fewer >= 1 && fewer < devices) yield withDevices(scenario, fewer);
  }
  if (faults.length > 1) yield { ...scenario, faults: [] };
  for (const fault of faults)
    yield { ...scenario, faults: faults.filter((each) => each !== fault) };
  if (durationMs / 2 >= DURATION_MS_MIN) yield withDuration(scenario, Math.round(durationMs / 2));
  for (const member of ['drop', 'duplicate', 'delay', 'corrupt', 'cut'] as const) {
    if (weather[member] === fairWeather[member]) continue;
    yield { ...scenario, weather: { ...weather, [member]: 0 } };
  }
  for (const member of chances) if (scenario[member] > 0) yield { ...scenario, [member]: 0 };
  if (scenario.gateways > 1) yield { ...scenario, gateways: 1 };
  for (const member of works) if (scenario[member] > 0) yield { ...scenario, [member]: 0 };
}

function withDevices(scenario: Scenario, devices: number): Scenario {
  const faults = scenario.faults.map((fault) =>
    fault.devices === undefined ? fault : { ...fault, devices: Math.min(devices, fault.devices) },
  );
  return { ...scenario, devices, faults };
}

/** A moment that is not reached any more is none. */
function withDuration(scenario: Scenario, durationMs: number): Scenario {
  const faults = scenario.faults
    .map((fault) => ({ ...fault, atMs: fault.atMs.filter((ms) => ms < durationMs) }))
    .filter(({ everyMs, atMs }) => everyMs > 0 || atMs.length > 0);
  return { ...scenario, durationMs, faults };
}
