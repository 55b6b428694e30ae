import { HoldfastError, formatCount } from '@holdfast/protocol';
import { unreal } from '../fleet/fleet-faults.ts';
import { runFleet } from '../fleet/run-fleet.ts';
import type { SimulationReport } from '../report/report.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { numberOf } from './numbers.ts';
import { LiveProgress } from './live-progress.ts';

export interface RealFlags {
  readonly minutes?: string;
  readonly hours?: string;
  readonly broker?: string;
  readonly code?: string;
}

const MINUTE_MS = 60_000;

/** Runs a scenario on real processes, and says on stderr how far it is. */
export async function realOf(
  asked: { readonly scenario: Scenario; readonly seed: number; readonly signal: AbortSignal },
  flags: RealFlags,
): Promise<SimulationReport> {
  const { scenario } = asked;
  if (scenario.starts.length > 0 || flags.code !== undefined) {
    const why = '--code is for virtual worlds: with --real, processes have workflows of their own';
    throw new HoldfastError('HF_USAGE', { why });
  }
  if (flags.hours !== undefined) {
    throw new HoldfastError('HF_USAGE', { why: '--hours is virtual time; --real has --minutes' });
  }
  const left = unreal(scenario.faults);
  if (left.length > 0) {
    process.stderr.write(`left out, since no real machine has it on demand: ${left.join(', ')}\n`);
  }
  const durationMs = numberOf('--minutes', flags.minutes ?? '1', 0.05) * MINUTE_MS;
  const devices = formatCount(scenario.devices);
  process.stderr.write(`${scenario.name}: ${devices} real agents start\n`);
  const options = { devices: scenario.devices, broker: brokerOf(flags.broker), durationMs };
  const progress = new LiveProgress();
  try {
    return await runFleet({ ...asked, ...options, onLook: (look) => progress.look(() => look) });
  } finally {
    progress.end();
  }
}

/** @throws HF_USAGE */
function brokerOf(given: string | undefined): string | undefined {
  if (given === undefined || /^mqtt:\/\/[^/:]+(:\d+)?$/.test(given)) return given;
  throw new HoldfastError('HF_USAGE', { why: `--broker is ${given}; write mqtt://host:port` });
}
