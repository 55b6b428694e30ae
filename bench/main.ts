// npm run bench [-- NAME …] [--seconds N] [--json] [--smoke] [--results DIR]. Exit code 1: a
// benchmark did not run to its end, or did its work wrong. A budget that is not held is a result,
// not a failure.
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, messageOf, renderTable } from '@holdfast/protocol';
import type { Benchmark, Effort } from './benchmark.ts';
import { boundOf, isHeld, readBudgets, type Budget } from './budgets.ts';
import { checkoutFile, endAll } from './child.ts';
import { chosenOf, readArguments, secondsOf, usage } from './command-line.ts';
import { drains } from './drain.bench.ts';
import { flash } from './flash.bench.ts';
import { herd } from './herd.bench.ts';
import { history } from './history.bench.ts';
import { idle } from './idle.bench.ts';
import { idleMemory } from './idle-memory.bench.ts';
import { ingestPostgres } from './ingest-postgres.bench.ts';
import { journalAppend } from './journal-append.bench.ts';
import { startLoadMeter } from './other-load.ts';
import { loopStore } from './loop.bench.ts';
import { parallelMemory } from './parallel-memory.bench.ts';
import type { Result } from './result.ts';
import { budgetText, loadText, numberText, ratioText } from './result-text.ts';
import { resultsPage } from './results-page.ts';
import { restart } from './restart.bench.ts';
import { sleepers } from './sleepers.bench.ts';
import { slowDiskSteps } from './slow-disk.bench.ts';
import { smallBoard } from './small-board.bench.ts';
import { startBacklog } from './start-backlog.bench.ts';
import { status } from './status.bench.ts';
import { steps } from './steps.bench.ts';
import { trim } from './trim.bench.ts';
import { virtualWorld } from './virtual-world.bench.ts';
import { waitingCommands } from './waiting-commands.bench.ts';
import { wire } from './wire.bench.ts';

const benchmarks: readonly Benchmark[] = [
  ...[...steps, ...journalAppend, ...drains],
  ...[restart, ...history, ...sleepers, ...startBacklog, trim, parallelMemory, loopStore],
  ...[status, idleMemory, ...idle, ...flash, wire, ...ingestPostgres, ...virtualWorld],
  ...[...herd, waitingCommands, slowDiskSteps, ...smallBoard],
];
const SMOKE_MS = 50;

interface Options {
  readonly effort: Effort;
  readonly json: boolean;
  readonly chosen: readonly Benchmark[];
  /** Where the JSON and the page go; `undefined`: nowhere. */
  readonly directory: string | undefined;
}

function readOptions(): Options {
  const { values, positionals } = readArguments({});
  const seconds = secondsOf(values.seconds);
  const chosen = chosenOf('benchmark', benchmarks, { given: positionals, isMeant });
  const { smoke: isSmoke, results } = values;
  return {
    effort: { ms: isSmoke ? SMOKE_MS : seconds * 1_000, isSmoke },
    json: values.json,
    chosen,
    directory: results ?? (isSmoke ? undefined : checkoutFile('bench/results')),
  };
}

/** `steps` means steps-1, steps-16 and steps-128; `drain`, which is a name, only itself. */
function isMeant(name: string, given: string): boolean {
  const isName = benchmarks.some((each) => each.name === given);
  return isName ? name === given : name.startsWith(`${given}-`);
}

async function measure(benchmark: Benchmark, budget: Budget, effort: Effort): Promise<Result> {
  const { name, about, unit } = benchmark;
  const otherLoad = startLoadMeter();
  const measured = await benchmark.run(effort);
  const { ours, limit, ratio, facts = {}, isRight: right = true } = measured;
  return {
    ...{ name, about, ours, limit, unit, ratio, budget: boundOf(budget, measured), of: budget.of },
    better: 'atLeast' in budget ? 'higher' : 'lower',
    held: isHeld(budget, measured),
    ...{ right, otherLoad: otherLoad(), facts },
  };
}

function tableOf(results: readonly Result[]): string {
  const columns = [
    { title: 'benchmark' },
    ...['ours', 'limit'].map((title) => ({ title, align: 'right' as const })),
    { title: 'unit' },
    ...['ratio', 'budget'].map((title) => ({ title, align: 'right' as const })),
    { title: 'held' },
    { title: 'other load', align: 'right' as const },
  ];
  const rows = results.map((each) => [
    each.name,
    numberText(each.ours),
    numberText(each.limit),
    each.unit,
    ratioText(each),
    budgetText(each),
    each.held ? 'yes' : 'NO',
    loadText(each),
  ]);
  return renderTable(columns, rows, { width: 120, color: false });
}

async function main(): Promise<void> {
  const { effort, json, chosen, directory } = readOptions();
  const say = json ? process.stderr : process.stdout;
  const budgets = readBudgets();
  const results: Result[] = [];
  for (const benchmark of chosen) {
    const budget = budgets[benchmark.name];
    if (budget === undefined) throw usage(`bench/budgets.json has no ${benchmark.name}`);
    process.stderr.write(`${benchmark.name}: ${benchmark.about}\n`);
    try {
      results.push(await measure(benchmark, budget, effort));
    } catch (error) {
      process.stderr.write(`${benchmark.name} did not run to its end: ${messageOf(error)}\n`);
      process.exitCode = 1;
      endAll();
    }
  }
  if (results.some((each) => !each.right)) process.exitCode = 1;
  say.write(`\n${tableOf(results)}\n`);
  const text = JSON.stringify({ results });
  if (directory !== undefined) {
    await mkdir(directory, { recursive: true });
    await writeFile(join(directory, 'latest.json'), `${text}\n`);
    await writeFile(join(directory, 'latest.html'), resultsPage(results));
    process.stderr.write(`the page with plots: ${join(directory, 'latest.html')}\n`);
  }
  if (json) process.stdout.write(`${text}\n`);
}

main().catch((error: unknown) => {
  process.stderr.write(`${error instanceof HoldfastError ? error.message : String(error)}\n`);
  process.exitCode = error instanceof HoldfastError && error.code === 'HF_USAGE' ? 2 : 1;
});
