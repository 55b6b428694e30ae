import { writeFileSync } from 'node:fs';
import {
  formatCount,
  formatDuration,
  Progress,
  wantsColor,
  withProgress,
} from '@holdfast/protocol';
import { simulationScreen } from '../report/screen.ts';
import { findScenario } from '../scenario/find-scenario.ts';
import { scenarioText } from '../scenario/scenario-text.ts';
import { shrink, type ShrinkOptions } from '../virtual/shrink.ts';
import { simulate } from '../virtual/simulate.ts';
import { exitOf, numberOf } from './numbers.ts';
import { progressPlace } from './progress-place.ts';
import { commandOf } from './run-flags.ts';
import { codeFor } from './sim-code.ts';
import type { SoakFlags } from './soak.ts';

const MINUTE_MS = 60_000;
/** Seeds are drawn from here on, far from those of the tests. */
const SEEDS = 900_000;
/** How long a failure is made smaller. */
const SHRINK_MS = 3 * MINUTE_MS;

/** Runs one seed after another. */
export async function soak({
  minutes,
  scenario: name,
  seed,
  code: file,
}: SoakFlags): Promise<void> {
  const scenario = findScenario(name);
  const code = await codeFor(scenario, file);
  const lastMs = numberOf('--minutes', minutes, 0) * MINUTE_MS;
  let next =
    seed === undefined
      ? 1_000 + Math.floor(Math.random() * SEEDS)
      : Math.floor(numberOf('--seed', seed, 0));
  const startNs = process.hrtime.bigint();
  const elapsedMs = (): number => Number((process.hrtime.bigint() - startNs) / 1_000_000n);
  let [seeds, entries] = [0, 0];
  const work = { what: name, total: lastMs, unit: 'percent' } as const;
  const progress = new Progress(progressPlace(), work);
  const stop = new AbortController();
  const { signal } = stop;
  const interrupted = (): void => stop.abort();
  process.once('SIGINT', interrupted);
  do {
    const report = await simulate({ scenario, seed: next, code, signal });
    // Of what was stopped before its end only the beginning was judged.
    if (!report.isCutShort) seeds += 1;
    entries += report.entries;
    const held = `${formatCount(seeds)} seeds, ${formatCount(entries)} entries`;
    progress.to(Math.min(lastMs, elapsedMs()), lastMs, held);
    if (report.violations.length > 0) {
      process.off('SIGINT', interrupted);
      progress.end();
      const given = file === undefined ? {} : { code: file };
      const again = commandOf(name, next, given);
      const color = wantsColor(process.stdout, process.env);
      const width = process.stdout.isTTY ? process.stdout.columns : undefined;
      const telling = { color, width, again, tookMs: elapsedMs() };
      process.stdout.write(`${simulationScreen(report, telling)}\n`);
      process.exitCode = exitOf(report);
      await tellSmaller({ scenario, seed: next, code }, given);
      return;
    }
    next += 1;
  } while (elapsedMs() < lastMs && !signal.aborted);
  progress.end();
  const took = formatDuration(elapsedMs());
  const what = `${formatCount(seeds)} seeds, ${formatCount(entries)} entries in ${took}`;
  const early = signal.aborted ? ', stopped early' : '';
  process.stdout.write(`PASS  ${name}  ${what}${early}: every promise held\n`);
}

/** Makes a failing scenario smaller, and says how to see it. */
async function tellSmaller(
  failing: Pick<ShrinkOptions, 'scenario' | 'seed' | 'code'>,
  given: { readonly code?: string },
): Promise<void> {
  const { scenario, seed } = failing;
  process.stderr.write('it is made smaller, for three minutes at most\n');
  const startNs = process.hrtime.bigint();
  const work = { what: 'made smaller', total: SHRINK_MS, unit: 'percent' } as const;
  const smaller = await withProgress(progressPlace(), work, (to) => {
    const isTimeOver = (): boolean => {
      const tookMs = Number((process.hrtime.bigint() - startNs) / 1_000_000n);
      to(Math.min(SHRINK_MS, tookMs));
      return tookMs > SHRINK_MS;
    };
    return shrink({ ...failing, isTimeOver });
  });
  const file = `${scenario.name}-${seed}.toml`;
  writeFileSync(file, scenarioText(smaller));
  const { devices, faults, durationMs } = smaller;
  const kinds = faults.map(({ kind }) => kind).join(', ') || 'no fault';
  const size = `${devices} devices, ${formatDuration(durationMs)}, ${kinds}`;
  process.stdout.write(`  smallest  ${size}: ${commandOf(file, seed, given)}\n`);
}
