import { writeFileSync } from 'node:fs';
import { HoldfastError, messageOf, wantsColor } from '@holdfast/protocol';
import { htmlOf } from '../report/html.ts';
import { junitOf } from '../report/junit.ts';
import type { SimulationReport, Telling } from '../report/report.ts';
import { simulationScreen } from '../report/screen.ts';
import { findScenario } from '../scenario/find-scenario.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { lookOf } from '../virtual/look-of.ts';
import { simulate } from '../virtual/simulate.ts';
import type { World } from '../virtual/world.ts';
import { LiveProgress } from './live-progress.ts';
import { realOf } from './run-real.ts';
import { exitOf, numberOf, outputOf } from './numbers.ts';
import { commandOf, type RunFlags } from './run-flags.ts';
import { codeFor } from './sim-code.ts';

const HOUR_MS = 3_600_000;

/** Runs a scenario and writes what came of it. */
export async function run(name: string, flags: RunFlags): Promise<void> {
  const isJson = outputOf(flags.output) === 'json';
  const scenario = sized(findScenario(name), flags);
  const seed = numberOf('--seed', flags.seed, 0);
  const stop = new AbortController();
  const interrupted = (): void => stop.abort();
  process.once('SIGINT', interrupted);
  const startNs = process.hrtime.bigint();
  const asked = { scenario, seed, signal: stop.signal };
  const report = await (flags.real ? realOf(asked, flags) : virtualOf(asked, flags));
  process.off('SIGINT', interrupted);
  const tookMs = Number((process.hrtime.bigint() - startNs) / 1_000_000n);
  const telling = { again: commandOf(name, seed, flags), tookMs };
  writeReports(report, telling, flags);
  const color = wantsColor(process.stdout, process.env);
  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  const screen = { ...telling, color, width };
  const text = isJson ? JSON.stringify(report) : simulationScreen(report, screen);
  process.stdout.write(`${text}\n`);
  process.exitCode = exitOf(report);
}

interface Asked {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly signal: AbortSignal;
}

async function virtualOf(asked: Asked, flags: RunFlags): Promise<SimulationReport> {
  for (const flag of ['minutes', 'broker'] as const) {
    if (flags[flag] === undefined) continue;
    throw new HoldfastError('HF_USAGE', {
      why: `--${flag} is for --real; --hours is virtual time`,
    });
  }
  const code = await codeFor(asked.scenario, flags.code);
  const { scenario, seed } = asked;
  const progress = new LiveProgress();
  try {
    const onPulse = (world: World): void => progress.look(() => lookOf(world, scenario, seed));
    return await simulate({ ...asked, code, onPulse });
  } finally {
    progress.end();
  }
}

function writeReports(report: SimulationReport, telling: Telling, flags: RunFlags): void {
  const write = (file: string | undefined, textOf: () => string): void => {
    if (file === undefined) return;
    try {
      writeFileSync(file, textOf());
    } catch (cause) {
      const why = `the report cannot be written: ${messageOf(cause)}`;
      throw new HoldfastError('HF_CONFIG_INVALID', { why, cause });
    }
  };
  write(flags.report, () => `${JSON.stringify(report)}\n`);
  write(flags.junit, () => junitOf(report, telling));
  write(flags.html, () => htmlOf(report, telling));
}

function sized(scenario: Scenario, { devices, hours }: RunFlags): Scenario {
  return {
    ...scenario,
    ...(devices === undefined ? {} : { devices: Math.ceil(numberOf('--devices', devices, 1)) }),
    ...(hours === undefined ? {} : { durationMs: numberOf('--hours', hours, 0.01) * HOUR_MS }),
  };
}
