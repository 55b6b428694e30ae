import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { serveGateway } from '../support/gateway-process.ts';
import { inTerminal } from '../support/in-terminal.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';

const cli = fileURLToPath(new URL('../../../device-sim/bin/holdfast-sim.js', import.meta.url));
const withPython = hasProgram('python3') ? test : test.skip;

withPython('needs python3: a person has the surroundings of a device in hand', async (t) => {
  t.timeout(120_000);
  const dir = await tempDir(t);
  const gateway = await serveGateway(t, join(dir, 'gateway'));
  const input = '{"id":"1","quantity":1,"napMs":300}';
  const args = [cli, 'device', '--gateway', gateway.mqtt, '--input', input];
  const { type, until, written, ended } = inTerminal(t, [
    ...args,
    '--data-dir',
    join(dir, 'device'),
  ]);
  let behind = 0;
  /** Presses a key, if any, and waits for something behind the last that was waited for. */
  const press = async (key: string, wanted: RegExp): Promise<void> => {
    if (key !== '') behind = written().length;
    type(key);
    await until(() => wanted.test(written().slice(behind)));
    behind += written().slice(behind).search(wanted) + 1;
    t.pass(`${key} ${wanted}`);
  };

  await press('', /k {2}kill the agent, or start it/);
  await press('', /synced +\d+ pending/);
  await press('2', /nap .* began/);
  await press('', /1 completed/);
  await press('c', /the link is cut/);
  await press('2', /offline +[1-9]\d* pending/);
  await press('s', /9\.6 kbit\/s/);
  await press('s', /the link is fast/);
  await press('d', /the disk is full/);
  // The agent looks after a commit, at most once a second: until then runs begin.
  const from = behind;
  do {
    await press('2', /nap (?:.* began|did not begin)/);
  } while (!written().slice(from).includes('did not begin'));
  await press('d', /the disk has room/);
  await press('k', /dead {2}/);
  await press('j', /clock 1h ahead/);
  await press('k', /goes on from its journal/);
  await press('J', /the clock is right/);
  await press('p', /stopped {2}/);
  await press('p', /goes on/);
  await press('x', /no such key/);
  const began = written().match(/ began/g)?.length ?? 0;
  await press('c', new RegExp(`synced +0 pending +${began} completed`));
  // What is drawn again fits into a line of the terminal, but for what clears it.
  const drawn = written()
    .split(/[\r\n]+/)
    .filter((line) => / link (?:up|cut|slow)/.test(line));
  for (const line of drawn) t.true(line.length <= 83, line);
  type('q');

  t.is(await ended, 0);
});
