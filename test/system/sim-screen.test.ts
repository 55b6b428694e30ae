import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { inTerminal, type InTerminal } from '../support/in-terminal.ts';
import { hasProgram } from '../support/program.ts';

const cli = fileURLToPath(new URL('../../../device-sim/bin/holdfast-sim.js', import.meta.url));
const plain = { env: { NO_COLOR: '1' } };
const withPython = hasProgram('python3') ? test : test.skip;

/** Holds what is drawn to the terminal: nothing of it is broken, or left behind. */
function checkPicture(t: ExecutionContext, { screen }: InTerminal): void {
  const lines = screen.text.split('\n');
  const heads = lines.map((line) => line.slice(0, 11).trim()).filter((head) => head !== '');

  t.is(lines.filter((line) => /^\S+ {2}seed \d+ {3}/.test(line)).length, 1, screen.text);
  for (const head of ['time', 'devices', 'journal', 'faults', 'checks']) {
    t.is(heads.filter((each) => each === head).length, 1, screen.text);
  }
  t.regex(screen.text, /online \d+ · behind \d+ · offline \d+ · stopped \d+ · down \d+/);
  t.regex(screen.text, /journaled [\d,]+ · acknowledged [\d,]+ · pending [\d,]+/);
  t.regex(screen.text, /✓ P12 {2}0 violations/);
}

withPython('needs python3: a virtual fleet is seen in a terminal of 80 by 24', async (t) => {
  const run = inTerminal(t, [cli, 'run', 'storm', '--hours', '400'], plain);
  // From its second picture on, one has been taken away.
  await run.until(({ text }) => /recent +\d\d:\d\d:\d\d \S/.test(text));
  const first = run.screen.text;
  await run.until(({ text }) => text !== first && /P12/.test(text));
  checkPicture(t, run);
  t.regex(run.screen.text, /virtual \d\d:\d\d:\d\d \/ 400:00:00 .* \d+ %/);
  t.regex(run.screen.text, /×[\d,]+ real time · elapsed .* left/);
  run.type('\u0003');

  t.is(await run.ended, 0);
  // The picture has given its place to the report.
  t.notRegex(run.screen.text, /elapsed/);
  t.regex(run.written(), /PASS {2}storm {2}seed 1[^]*stopped early: the end was not judged/);
});

withPython(
  'needs python3: so are real processes, and Ctrl-C ends them with a report',
  async (t) => {
    const args = ['run', 'city-outage', '--real', '--devices', '1', '--minutes', '9'];
    const run = inTerminal(t, [cli, ...args], plain);
    await run.until(({ text }) => /P12/.test(text) && /journaled [1-9]/.test(text));
    checkPicture(t, run);
    t.regex(run.screen.text, /real 00:00:\d\d \/ 00:09:00/);
    run.type('\u0003');

    t.is(await run.ended, 0);
    t.regex(run.written(), /PASS {2}city-outage[^]*stopped early: what had been was judged/);
  },
);

test('into a pipe it says a line each ten seconds, and nothing before', async (t) => {
  const { stdout, stderr } = await promisify(execFile)(process.execPath, [
    ...[cli, 'run', 'calm', '--devices', '1', '--hours', '0.1'],
  ]);

  t.regex(stdout, /^PASS {2}calm/);
  for (const line of stderr.split('\n').filter(Boolean)) t.regex(line, /^calm: \d+ % of virtual/);
});
