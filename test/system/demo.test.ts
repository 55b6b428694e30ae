import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { simOutputs } from '@holdfast/device-sim/internal';
import { checkOutput } from '../support/output-schemas.ts';

const sim = fileURLToPath(new URL('../../../device-sim/bin/holdfast-sim.js', import.meta.url));

interface Ended {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

function run(...args: readonly string[]): Promise<Ended> {
  return new Promise((resolve) => {
    execFile(process.execPath, [sim, ...args], (error, stdout, stderr) => {
      resolve({ code: typeof error?.code === 'number' ? error.code : 0, stdout, stderr });
    });
  });
}

test('the demo loses and doubles nothing, and ends with one object that says so', async (t) => {
  t.timeout(120_000);
  const { code, stdout, stderr } = await run('demo', '--json');

  t.is(code, 0, stderr);
  checkOutput(simOutputs, stdout);
  const { entries, seconds, ...report } = JSON.parse(stdout);
  t.deepEqual(report, {
    schema: 'holdfast.demo/1',
    ok: true,
    runs: 24,
    charges: { orders: 24, doubleCharged: 0 },
    kills: 2,
    outages: 1,
    chainVerified: true,
  });
  t.deepEqual([entries.missing, entries.duplicated], [0, 0]);
  t.is(entries.journaled, entries.ledger);
  t.true(seconds < 60);
  t.regex(stderr, /CUT while .*\n[^]*KILLED \(SIGKILL\) in [^]*KILLED \(SIGKILL\) between/);
  t.false(stderr.includes('\u001b'), 'no colours where there is no terminal');
});

test('what the demo cannot do is said in three lines', async (t) => {
  for (const args of [['demo', '--orders', '5'], ['demo', '--fast'], ['dance']]) {
    const { code, stdout, stderr } = await run(...args);

    t.is(code, 2, stderr);
    t.is(stdout, '');
    t.regex(stderr, /^error: .*\n {2}cause: .*\n {2}hint: .*\n$/);
  }
});
