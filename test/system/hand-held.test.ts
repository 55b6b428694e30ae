import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { serveGateway } from '../support/gateway-process.ts';
import { tempDir } from '../support/temp-dir.ts';

const cli = fileURLToPath(new URL('../../../device-sim/bin/holdfast-sim.js', import.meta.url));

test('a person has the surroundings of a device in hand', async (t) => {
  t.timeout(120_000);
  const dir = await tempDir(t);
  const gateway = await serveGateway(t, join(dir, 'gateway'));
  const input = '{"id":"1","quantity":1,"napMs":300}';
  const args = [cli, 'device', '--gateway', gateway.mqtt, '--input', input];
  const device = spawn(process.execPath, [...args, '--data-dir', join(dir, 'device')]);
  t.teardown(() => device.kill('SIGKILL'));
  const lines: string[] = [];
  let heard: (() => void) | undefined;
  createInterface({ input: device.stdout }).on('line', (line) => {
    lines.push(line);
    heard?.();
  });
  let behind = 0;
  /** Presses a key, if any, and waits for a line behind the last one that was waited for. */
  const press = async (key: string, wanted: RegExp): Promise<void> => {
    if (key !== '') behind = lines.length;
    device.stdin.write(key);
    for (;;) {
      const at = lines.findIndex((line, index) => index >= behind && wanted.test(line));
      if (at >= 0) {
        behind = at + 1;
        t.pass(`${key} ${wanted}`);
        return;
      }
      await new Promise<void>((resolve) => (heard = resolve));
    }
  };

  await press('', /synced +\d+ pending/);
  await press('2', /nap .* began/);
  await press('', /1 completed/);
  await press('c', /the link is cut/);
  await press('2', /offline +[1-9]\d* pending/);
  await press('d', /the disk is full/);
  // The agent looks after a commit, at most once a second: until then runs begin.
  do {
    await press('2', /nap (?:.* began|did not begin)/);
  } while (!lines.slice(0, behind).some((line) => line.includes('did not begin')));
  await press('d', /the disk has room/);
  await press('k', /^dead/);
  await press('j', /clock 1h ahead/);
  await press('k', /goes on from its journal/);
  await press('p', /^stopped/);
  await press('p', /goes on/);
  const began = lines.filter((line) => line.endsWith(' began')).length;
  await press('c', new RegExp(`synced +0 pending +${began} completed`));
  device.stdin.write('q');
  const [code] = (await once(device, 'exit')) as [number | null];

  t.is(code, 0);
});
