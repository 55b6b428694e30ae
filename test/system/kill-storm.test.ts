import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { SocketClient } from '@holdfast/agent/internal';
import { apiOf, audit, startChild, until, type Child } from '@holdfast/device-sim';
import { tempDir } from '../support/temp-dir.ts';

const file = (path: string): string => fileURLToPath(new URL(`../../../${path}`, import.meta.url));
const KILLS = 50;
const IN_FLIGHT = 20;

/** A small generator: a failing storm is repeated with its seed. */
function chance(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test('B1 50 kills with 20 runs in flight lose nothing and repeat no resolved step', async (t) => {
  t.timeout(300_000);
  const seed = Number(process.env['STORM_SEED'] ?? Date.now() % 100_000);
  t.log(`STORM_SEED=${seed}`);
  const next = chance(seed);
  const dir = await tempDir(t);
  const log = join(dir, 'ran.log');
  const gateway = await startChild({
    name: 'gateway',
    args: [
      ...[file('gateway/bin/holdfast-gateway.js'), 'serve', '-o', 'json'],
      ...['--data-dir', join(dir, 'gateway'), '--mqtt-port', '0', '--http-port', '0'],
      ...['--handlers', file('test/dist/support/storm-handlers.js')],
    ],
  });
  t.teardown(() => gateway.end('SIGKILL'));
  const device = new SocketClient(join(dir, 'device', 'agent.sock'));
  const startAgent = (): Promise<Child> =>
    startChild({
      name: 'agent',
      args: [
        ...[file('agent/bin/holdfast.js'), 'run', '-o', 'json', '--device', 'stormy'],
        ...['--data-dir', join(dir, 'device'), '--gateway', String(gateway.ready['mqtt'])],
        ...['--code', file('test/dist/support/storm-flows.js')],
      ],
      env: { STORM_LOG: log },
    });
  let agent = await startAgent();
  t.teardown(() => agent.end('SIGKILL'));

  const acknowledged: string[] = [];
  for (let kill = 0; kill < KILLS; kill += 1) {
    const deadline = performance.now() + 20 + next() * 250;
    // Whatever the kill interrupts was not acknowledged: it may be there or not.
    const feeding = feed(device, acknowledged, deadline).catch(() => undefined);
    await until('the moment of the kill', async () => performance.now() >= deadline);
    await agent.end('SIGKILL');
    await feeding;
    agent = await startAgent();
  }
  const ended = until(
    'all runs to end',
    async () => Object.keys((await device.status()).runs).every((state) => state === 'completed'),
    60_000,
  );
  await ended.catch(async (error: unknown) => {
    const { runs } = await device.runs({ all: false, limit: 5 });
    t.log(runs, agent.lastLines.slice(-10));
    throw error;
  });
  await device.waitSynced(60_000);

  const sums = await audit(device, apiOf(gateway), 'stormy');
  t.like(sums, { missing: 0, duplicated: 0 });
  t.is(sums.ledger, sums.journaled);
  const { runs } = await device.runs({ all: true, limit: 10_000 });
  const known = new Set(runs.map((run) => run.id));
  t.deepEqual(acknowledged.filter((id) => !known.has(id)), [], 'every acknowledged run is there');
  t.true(runs.length >= IN_FLIGHT);
  t.deepEqual(await outOfOrder(log), []);
  await agent.end('SIGTERM');
});

/** Keeps `IN_FLIGHT` runs going until the deadline. */
async function feed(device: SocketClient, acknowledged: string[], deadline: number): Promise<void> {
  while (performance.now() < deadline) {
    const { runs } = await device.runs({ all: false, limit: IN_FLIGHT });
    for (let open = runs.length; open < IN_FLIGHT; open += 1) {
      const { id } = await device.start({ workflow: 'storm', input: { pauseMs: 15 } });
      acknowledged.push(id);
    }
  }
}

/** A step's body runs only once the step before it has resolved: none may run again after that. */
async function outOfOrder(log: string): Promise<string[]> {
  const furthest = new Map<string, number>();
  const wrong: string[] = [];
  for (const line of (await readFile(log, 'utf8')).split('\n')) {
    const [run = '', step] = line.split(' ');
    if (step === undefined) continue;
    if (Number(step) < (furthest.get(run) ?? 0)) wrong.push(line);
    furthest.set(run, Math.max(Number(step), furthest.get(run) ?? 0));
  }
  return wrong;
}
