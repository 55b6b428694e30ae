import { Exit, HoldfastError, wantsColor } from '@holdfast/protocol';
import type { Command } from 'commander';
import { planNamed, plans, type Plan } from '../virtual/plan.ts';
import { simulate, type Progress, type SimulationReport } from '../virtual/simulate.ts';
import { simulationScreen } from './sim-screen.ts';

interface RunFlags {
  readonly seed: string;
  readonly devices?: string;
  readonly hours?: string;
  readonly output: string;
}

const VIOLATED = 9;
const PROGRESS_EVERY_MS = 10_000;
const HOUR_MS = 3_600_000;

export function addRun(program: Command): void {
  program
    .command('run')
    .argument('<scenario>', `one of ${Object.keys(plans).join(', ')}`)
    .description('Run a fleet in virtual time through a scenario, and judge every promise.')
    .option('--seed <number>', 'the same seed gives the same history, byte for byte', '1')
    .option('--devices <number>', 'instead of what the scenario says')
    .option('--hours <number>', 'of virtual time, instead of what the scenario says')
    .option('-o, --output <format>', 'text or json', 'text')
    .addHelpText('after', '\nExit code 0: everything held; 9: a promise was violated.\n')
    .action(async (scenario: string, flags: RunFlags) => {
      const isJson = outputOf(flags.output) === 'json';
      const plan = planOf(scenario, flags);
      const seed = numberOf('--seed', flags.seed, 0);
      const startNs = process.hrtime.bigint();
      const report = await simulate({ plan, seed, onProgress: progressLine(scenario) });
      const tookMs = Number((process.hrtime.bigint() - startNs) / 1_000_000n);
      const again = commandOf(scenario, seed, flags);
      const color = wantsColor(process.stdout, process.env);
      const screen = { color, again, tookMs };
      say(isJson ? JSON.stringify(report) : simulationScreen(scenario, report, screen));
      process.exitCode = exitOf(report);
    });
}

export function exitOf({ violations }: SimulationReport): number {
  return violations.length === 0 ? Exit.ok : VIOLATED;
}

export function commandOf(
  scenario: string,
  seed: number,
  { devices, hours }: Pick<RunFlags, 'devices' | 'hours'> = {},
): string {
  const size = [
    ...(devices === undefined ? [] : [`--devices ${devices}`]),
    ...(hours === undefined ? [] : [`--hours ${hours}`]),
  ];
  return ['holdfast-sim run', scenario, `--seed ${seed}`, ...size].join(' ');
}

/** @throws HF_USAGE */
export function numberOf(flag: string, text: string, min: number): number {
  const number = Number(text);
  if (text.trim() !== '' && number >= min && number <= 1e6) return number;
  const why = `${flag} is ${text}; it must be a number from ${min} to 1000000`;
  throw new HoldfastError('HF_USAGE', { why });
}

export function outputOf(text: string): 'text' | 'json' {
  if (text === 'text' || text === 'json') return text;
  throw new HoldfastError('HF_USAGE', { why: `--output is ${text}; it must be text or json` });
}

function planOf(scenario: string, { devices, hours }: RunFlags): Plan {
  const plan = planNamed(scenario);
  return {
    ...plan,
    ...(devices === undefined ? {} : { devices: Math.ceil(numberOf('--devices', devices, 1)) }),
    ...(hours === undefined ? {} : { durationMs: numberOf('--hours', hours, 0.01) * HOUR_MS }),
  };
}

/** A line at most every ten seconds; on stderr, since stdout is for the result. */
function progressLine(scenario: string): (progress: Progress) => void {
  let saidNs = process.hrtime.bigint();
  return ({ virtualMs, durationMs, entries, violations }) => {
    const nowNs = process.hrtime.bigint();
    if (Number((nowNs - saidNs) / 1_000_000n) < PROGRESS_EVERY_MS) return;
    saidNs = nowNs;
    const percent = Math.round((100 * virtualMs) / durationMs);
    const found = `${entries} entries, ${violations} violations`;
    process.stderr.write(`${scenario}: ${percent} % of virtual time, ${found}\n`);
  };
}

function say(text: string): void {
  process.stdout.write(`${text}\n`);
}
