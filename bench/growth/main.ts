// npm run bench:growth [-- NAME …] [--seconds N] [--upto N] [--json] [--smoke] [--results DIR].
// Exit code 1: a curve was not measured to its end.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import { checkoutFile, endAll } from '../child.ts';
import { chosenOf, readArguments, secondsOf, usage } from '../command-line.ts';
import { startLoadMeter } from '../other-load.ts';
import { backlog } from './backlog.ts';
import type { Curve, Point } from './curve.ts';
import { devices } from './devices.ts';
import { history } from './history.ts';
import { growthPage, resultsOf, tableOf, type Measured } from './report.ts';
import { sleepers } from './sleepers.ts';

const curves: readonly Curve[] = [history, sleepers, backlog, devices];
const SMOKE_MS = 50;

async function measure(curve: Curve, xs: readonly number[], ms: number): Promise<Measured> {
  const points: Point[] = [];
  const otherLoad = startLoadMeter();
  await curve.run(xs, ms, (point) => {
    points.push(point);
    const values = Object.entries(point.values).map(
      ([name, value]) => `${name} ${value.toFixed(1)}`,
    );
    process.stderr.write(`${curve.name} ${point.x}: ${values.join(', ')}\n`);
  });
  return { curve, points, otherLoad: otherLoad() };
}

function readOptions() {
  const { values, positionals } = readArguments({ upto: { type: 'string' } });
  const ms = secondsOf(values.seconds) * 1_000;
  const upto = Number(values.upto ?? Number.POSITIVE_INFINITY);
  if (!(upto >= 1)) throw usage('--upto takes the largest number to measure at');
  const isMeant = (name: string, given: string): boolean => name === given;
  const chosen = chosenOf('curve', curves, { given: positionals, isMeant });
  const { smoke: isSmoke, results, json } = values;
  const directory = results ?? (isSmoke ? undefined : checkoutFile('bench/results'));
  return { isSmoke, json, chosen, directory, upto, ms: isSmoke ? SMOKE_MS : ms };
}

async function main(): Promise<void> {
  const { isSmoke, json, chosen, directory, upto, ms } = readOptions();
  const all: Measured[] = [];
  for (const curve of chosen) {
    const xs = (isSmoke ? curve.smokeXs : curve.xs).filter((x) => x <= upto);
    try {
      all.push(await measure(curve, xs, ms));
    } catch (error) {
      process.stderr.write(`${curve.name} did not run to its end: ${messageOf(error)}\n`);
      process.exitCode = 1;
      endAll();
    }
  }
  const say = json ? process.stderr : process.stdout;
  for (const measured of all) say.write(`\n${tableOf(measured)}\n`);
  const text = `${JSON.stringify(resultsOf(all))}\n`;
  if (directory !== undefined) {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'growth.json'), text);
    await writeFile(join(directory, 'growth.html'), growthPage(all));
    process.stderr.write(`the page with plots: ${join(directory, 'growth.html')}\n`);
  }
  if (json) process.stdout.write(text);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof HoldfastError ? error.message : String(error)}\n`);
  process.exitCode = error instanceof HoldfastError && error.code === 'HF_USAGE' ? 2 : 1;
});
