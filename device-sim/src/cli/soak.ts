import { formatCount, formatDuration, wantsColor } from '@holdfast/protocol';
import type { Command } from 'commander';
import { planNamed } from '../virtual/plan.ts';
import { simulate } from '../virtual/simulate.ts';
import { commandOf, exitOf, numberOf } from './run.ts';
import { simulationScreen } from './sim-screen.ts';

interface SoakFlags {
  readonly minutes: string;
  readonly scenario: string;
  readonly seed?: string;
}

const MINUTE_MS = 60_000;
/** Seeds are drawn from here on, far from those of the tests. */
const SEEDS = 900_000;

export function addSoak(program: Command): void {
  program
    .command('soak')
    .description('Run one seed after another, until a promise is violated or the time is over.')
    .option('--minutes <number>', 'how long, in real time', '10')
    .option('--scenario <name>', 'what goes wrong', 'storm')
    .option('--seed <number>', 'the first seed; without it chance decides')
    .action(async ({ minutes, scenario, seed }: SoakFlags) => {
      const plan = planNamed(scenario);
      const lastMs = numberOf('--minutes', minutes, 0) * MINUTE_MS;
      const first = seed === undefined ? 1_000 + Math.floor(Math.random() * SEEDS) : undefined;
      let next = first ?? numberOf('--seed', seed ?? '', 0);
      const startNs = process.hrtime.bigint();
      const elapsedMs = (): number => Number((process.hrtime.bigint() - startNs) / 1_000_000n);
      let [seeds, entries] = [0, 0];
      do {
        const report = await simulate({ plan, seed: next });
        seeds += 1;
        entries += report.entries;
        if (report.violations.length > 0) {
          const again = commandOf(scenario, next);
          const color = wantsColor(process.stdout, process.env);
          const screen = { color, again, tookMs: elapsedMs() };
          process.stdout.write(`${simulationScreen(scenario, report, screen)}\n`);
          process.exitCode = exitOf(report);
          return;
        }
        next += 1;
      } while (elapsedMs() < lastMs);
      const took = formatDuration(elapsedMs());
      const what = `${formatCount(seeds)} seeds, ${formatCount(entries)} entries in ${took}`;
      process.stdout.write(`PASS  ${scenario}  ${what}: every promise held\n`);
    });
}
