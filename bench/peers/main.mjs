// npm run bench:peers [-- --seconds N] [--count N]: the same work by others, in one run. Rows are
// printed as a table of Markdown; docs/BENCHMARKS.md says how to read them.
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';

/** At work when everything is killed. */
const RUNS = 1_000;
const here = fileURLToPath(new URL('.', import.meta.url));
const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '5' },
    count: { type: 'string', default: '20000' },
  },
});

/** Our own rows, measured by our own benchmark of that name. */
function ours(name) {
  const file = join(here, '..', 'dist', 'main.js');
  const args = [file, name, '--json', '--seconds', values.seconds];
  const text = execFileSync(process.execPath, args, {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  return JSON.parse(text.trim().split('\n').at(-1)).results;
}

function show({ work, name, value, unit, lost, doubled }) {
  const cells = [
    work,
    name,
    `${Math.round(value).toLocaleString('en')} ${unit}`,
    lost ?? '',
    doubled ?? '',
  ];
  process.stdout.write(`| ${cells.join(' | ')} |\n`);
}

execFileSync('npm', ['ci', '--no-audit', '--no-fund', '--silent', '--engine-strict=false'], {
  cwd: here,
  stdio: 'inherit',
});
const dir = await mkdtemp(join(process.env.HOLDFAST_BENCH_DIR ?? tmpdir(), 'holdfast-peers-'));
try {
  const { measureSteps } = await import('./steps.mjs');
  const { measureRecovery } = await import('./recovery.mjs');
  const { measureDrain } = await import('./drain.mjs');
  process.stdout.write('| work | who | rate | lost | doubled |\n|---|---|---|---|---|\n');
  await measureSteps(join(dir, 'steps'), Number(values.seconds) * 1_000, show);
  await measureRecovery(join(dir, 'recovery'), RUNS, show);
  const [[drain], [killed]] = [ours('drain'), ours('drain-killed')];
  const name = 'Holdfast';
  const none = { lost: 0, doubled: 0 };
  show({ work: 'draining 100,000 readings', name, value: drain.ours, unit: drain.unit, ...none });
  const sent = drain.facts['bytes on the wire, an entry'];
  if (sent) show({ work: 'the same, on the wire', name, value: sent, unit: 'B/entry' });
  show({
    work: 'the same, agent killed: lost or doubled',
    name,
    value: killed.ours,
    unit: killed.unit,
  });
  await measureDrain(dir, Number(values.count), show);
} finally {
  await rm(dir, { recursive: true, force: true });
}
process.exit();
