import { writeFileSync } from 'node:fs';
import { HoldfastError, messageOf, wantsColor } from '@holdfast/protocol';
import type { Command } from 'commander';
import { htmlOf } from '../report/html.ts';
import { junitOf } from '../report/junit.ts';
import type { SimulationReport, Telling } from '../report/report.ts';
import { simulationScreen } from '../report/screen.ts';
import { findScenario, scenarioNames } from '../scenario/find-scenario.ts';
import type { Scenario } from '../scenario/scenario.ts';
import { simulate } from '../virtual/simulate.ts';
import { LiveProgress } from './live-progress.ts';
import { realOf } from './run-real.ts';
import { exitOf, numberOf, outputOf } from './numbers.ts';
import { loadSimCode } from './sim-code.ts';

interface RunFlags {
  readonly seed: string;
  readonly devices?: string;
  readonly hours?: string;
  readonly code?: string;
  readonly output: string;
  readonly report?: string;
  readonly junit?: string;
  readonly html?: string;
  readonly real: boolean;
  readonly minutes?: string;
  readonly broker?: string;
}

const HOUR_MS = 3_600_000;
const epilog = `
Exit code 0: everything held; 9: a promise was violated. Ctrl-C ends it with a report of what has
been until then.

Examples:
  holdfast-sim run city-outage --devices 20 --hours 6 --seed 7 -o json
  holdfast-sim run storm --html storm.html --junit storm.xml
  holdfast-sim run my-site.toml --code workflows.js
  holdfast-sim run city-outage --real --devices 10 --minutes 2
`;

export function addRun(program: Command): void {
  program
    .command('run')
    .argument('<scenario>', `one of ${scenarioNames().join(', ')}; or a file, FILE.toml`)
    .description('Run a fleet in virtual time through a scenario, and judge every promise.')
    .option('--seed <number>', 'the same seed gives the same history, byte for byte', '1')
    .option('--devices <number>', 'instead of what the scenario says')
    .option('--hours <number>', 'of virtual time, instead of what the scenario says')
    .option('--code <file>', 'workflows of your own, and what they call: `handlers`')
    .option('--real', 'real agents, broker, stores and signals, in real time', false)
    .option('--minutes <number>', 'with --real: how long; the times of the scenario shrink (1)')
    .option('--broker <url>', 'with --real: of a broker that is there, mqtt://host:port')
    .option('-o, --output <format>', 'text or json', 'text')
    .option('--report <file>', 'write the report as JSON there too')
    .option('--junit <file>', 'write it as JUnit XML there')
    .option('--html <file>', 'write it there as one page with plots, which needs no network')
    .addHelpText('after', epilog)
    .action(run);
}

async function run(name: string, flags: RunFlags): Promise<void> {
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
  const text = isJson ? JSON.stringify(report) : simulationScreen(report, { ...telling, color });
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
  const code = await codeOf(asked.scenario, flags);
  const progress = new LiveProgress(asked.scenario, asked.seed);
  try {
    return await simulate({ ...asked, code, onLook: progress.look });
  } finally {
    progress.end();
  }
}

async function codeOf(scenario: Scenario, { code }: RunFlags) {
  if (code !== undefined && scenario.starts.length === 0) {
    const why = '--code needs a scenario that says what to start: a file with [[start]]';
    throw new HoldfastError('HF_USAGE', { why });
  }
  if (code === undefined && scenario.starts.length > 0) {
    const why = `${scenario.name} starts workflows of yours: --code names the file that has them`;
    throw new HoldfastError('HF_USAGE', { why });
  }
  return code === undefined ? undefined : loadSimCode(code, scenario);
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

type Size = Partial<Pick<RunFlags, 'devices' | 'hours' | 'code' | 'real' | 'minutes' | 'broker'>>;

/** What gives the same again. */
export function commandOf(scenario: string, seed: number, given: Size = {}): string {
  const flags = ['devices', 'hours', 'code', 'minutes', 'broker'] as const;
  const size = flags.flatMap((flag) => {
    const value = given[flag];
    return value === undefined ? [] : [`--${flag} ${value}`];
  });
  const real = given.real === true ? ['--real'] : [];
  return ['holdfast-sim run', scenario, ...real, `--seed ${seed}`, ...size].join(' ');
}

function sized(scenario: Scenario, { devices, hours }: RunFlags): Scenario {
  return {
    ...scenario,
    ...(devices === undefined ? {} : { devices: Math.ceil(numberOf('--devices', devices, 1)) }),
    ...(hours === undefined ? {} : { durationMs: numberOf('--hours', hours, 0.01) * HOUR_MS }),
  };
}
