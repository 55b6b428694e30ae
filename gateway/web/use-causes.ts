import { useLive, type Live } from './api.ts';
import { causesOf, type Cause } from './causes.ts';
import type { ProblemView } from '../src/core/device-views.ts';

/** For what is counted on every page. */
const EVERY_MS = 15_000;

interface Causes {
  readonly causes: readonly Cause[];
  readonly problems: readonly ProblemView[];
  /** There are older runs, which were not looked at. */
  readonly isMore: boolean;
  readonly isAsking: boolean;
  readonly problem: Live<unknown>['problem'];
}

/** All that needs a person, as often as that may be asked; of the newest runs, at most `limit`. */
export function useCauses(limit: number, devicesWhen: 'with changes' | 'by the clock'): Causes {
  const stuck = { state: ['stuck', 'conflict'], limit } as const;
  const devices = useLive('GET /api/devices', [{ query: stuck }], EVERY_MS, devicesWhen);
  const failed = { state: ['stuck', 'failed'], limit };
  const runs = useLive('GET /api/runs', [{ query: failed }], EVERY_MS, 'by the clock');
  return {
    causes: causesOf(devices.data?.devices ?? [], runs.data?.runs ?? []),
    problems: devices.data?.problems ?? [],
    isMore: (runs.data?.next ?? null) !== null,
    isAsking: devices.data === undefined || runs.data === undefined,
    problem: devices.problem ?? runs.problem,
  };
}
