import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test from 'ava';
import { postgresIsMissing } from '@holdfast/device-sim/internal';

const root = fileURLToPath(new URL('../../..', import.meta.url));
const run = promisify(execFile);

interface Result {
  readonly name: string;
  readonly ours: number;
  readonly limit: number;
  readonly unit: string;
  readonly ratio: number | null;
  readonly budget: number;
  readonly held: boolean;
  readonly right: boolean;
}

interface Curve {
  readonly name: string;
  readonly measures: readonly { readonly name: string; readonly unit: string }[];
  readonly points: readonly { readonly values: Readonly<Record<string, number>> }[];
}

const program = (file: string, ...args: readonly string[]) =>
  run(process.execPath, [`bench/dist/${file}`, ...args], { cwd: root, timeout: 200_000 });
const bench = (...args: readonly string[]) => program('main.js', ...args);

test('every benchmark runs to its end, does its work right, and has a budget', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'hf-bench-page-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const { stdout } = await bench('--smoke', '--json', '--results', directory);
  const last = stdout.trimEnd().split('\n').at(-1) ?? '';
  const { results } = JSON.parse(last) as { readonly results: readonly Result[] };

  const budgets = JSON.parse(readFileSync(`${root}/bench/budgets.json`, 'utf8')) as object;
  const missing = new Set<string>();
  if (postgresIsMissing !== '') missing.add('ingest-postgres');
  // A bound on memory is not to be had without control groups that may be written.
  if (!results.some(({ name }) => name === 'small-board')) missing.add('small-board');
  // Nor is a month, without a clock that goes faster.
  const idle = ['idle-bytes', 'idle-wakes'];
  if (!results.some(({ name }) => idle.includes(name))) for (const each of idle) missing.add(each);
  const isHere = (name: string) => !missing.has(name);
  const names = Object.keys(budgets).filter(isHere);
  t.deepEqual(results.map(({ name }) => name).toSorted(), names.toSorted());
  // Bytes and losses are the same however busy the machine is.
  const counts = results.filter(({ name }) => ['flash', 'wire', 'drain-killed'].includes(name));
  t.deepEqual(
    counts.map(({ name, held }) => [name, held]),
    counts.map(({ name }) => [name, true]),
  );
  for (const { name, ours, limit, unit, ratio, budget, held, right } of results) {
    t.true(right, name);
    t.true(Number.isFinite(ours) && Number.isFinite(limit) && Number.isFinite(budget), name);
    t.true(ratio === null ? limit === 0 : Math.abs(ratio) < Infinity, name);
    t.is(typeof held, 'boolean', name);
    t.not(unit, '', name);
  }
  const page = await readFile(join(directory, 'latest.html'), 'utf8');
  const [plot = ''] = /<svg[^]*<\/svg>/.exec(page) ?? [];
  for (const { name } of results) t.true(plot.includes(`>${name}<`), name);
  t.is(plot.split('<rect').length - 1, results.length, 'a bar a row');
  t.notRegex(page, /NaN|undefined|<script|https?:|url\(/, 'complete in itself');
});

test('every curve is measured to its end, and drawn', async (t) => {
  const directory = await mkdtemp(join(tmpdir(), 'hf-bench-growth-'));
  t.teardown(() => rm(directory, { recursive: true }));
  const { stdout } = await program('growth/main.js', '--smoke', '--json', '--results', directory);
  const { curves } = JSON.parse(stdout) as { readonly curves: readonly Curve[] };

  t.deepEqual(
    curves.map(({ name }) => name),
    ['history', 'sleepers', 'backlog', 'devices'],
  );
  const page = await readFile(join(directory, 'growth.html'), 'utf8');
  for (const { name, measures, points } of curves) {
    t.is(points.length, 1, name);
    for (const { name: measure, unit } of measures) {
      t.true(
        points.every(({ values }) => (values[measure] ?? 0) > 0),
        `${name}: ${measure}`,
      );
      t.true(page.includes(`aria-label="${measure}, ${unit}"`), `${name}: ${measure}`);
    }
  }
  t.notRegex(page, /NaN|undefined|<script|https?:|url\(/, 'complete in itself');
});

test('a benchmark that does not exist is a wrong command line', async (t) => {
  const error = await t.throwsAsync(bench('no-such-benchmark'));
  t.like(error, { code: 2 });
});
