import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { lookup } from 'node:dns';
import { resolve4 } from 'node:dns/promises';
import { readFileSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { get } from 'node:http';
import { Socket, connect } from 'node:net';
import { scheduler, setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { Worker } from 'node:worker_threads';
import ava from 'ava';
import {
  faultKinds,
  findScenario,
  guarded,
  layWires,
  scenarioNames,
  scenarioText,
  simulate,
  type Fault,
  type Scenario,
} from '@holdfast/device-sim/internal';

// A virtual world takes the clock and chance of its whole process away: one at a time.
const test = ava.serial;
/** `SIM_SEEDS=2000` for more of them, `SIM_FIRST=5000` for others. */
const SEEDS = Number(process.env['SIM_SEEDS'] ?? 200);
/** Three minutes, for many seeds: what takes longer to meet is for `holdfast-sim soak`. */
const STORM_MS = Number(process.env['SIM_MINUTES'] ?? 3) * 60_000;
const FIRST = Number(process.env['SIM_FIRST'] ?? 1);

/** Faults that a storm has not: what they undo would hide what the others show. */
const others = scenarioNames().filter((name) => {
  const stormy = new Set(findScenario('storm').faults.map(({ kind }) => kind));
  const { faults, gateways } = findScenario(name);
  return gateways > 1 || faults.some(({ kind }) => !stormy.has(kind));
});
/** One seed in so many is of those. */
const OTHER_EVERY = 5;
/** They take longer to meet. */
const OTHER_MS = 2 * STORM_MS;

function scenarioOf(seed: number): Scenario {
  const other = others[Math.floor(seed / OTHER_EVERY) % others.length];
  if (seed % OTHER_EVERY > 0 || other === undefined) {
    return { ...findScenario('storm'), durationMs: STORM_MS };
  }
  const whole = findScenario(other);
  return { ...whole, devices: 2, durationMs: OTHER_MS, faults: whole.faults.map(soon) };
}

/** What would come too late comes once, and earlier. */
function soon(fault: Fault): Fault {
  if (fault.everyMs <= OTHER_MS / 2) return fault;
  const [atMs, forMs] = [[OTHER_MS / 4], Math.min(fault.forMs, OTHER_MS / 4)];
  return { ...fault, everyMs: 0, atMs, forMs };
}

test('in every storm each promise holds, and what was begun comes to its end', async (t) => {
  t.timeout(60_000 + SEEDS * 5_000);
  const met: Record<string, number> = {};
  for (const kind of Object.keys(faultKinds)) met[kind] = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const scenario = scenarioOf(seed);
    const report = await simulate({ scenario, seed });
    for (const [what, count] of Object.entries(report.mishaps)) {
      met[what] = (met[what] ?? 0) + count;
    }
    t.deepEqual(report.violations, [], `${scenario.name}, seed ${seed}: ${scenarioText(scenario)}`);
    if (report.violations.length > 0) return;
  }
  // A fault that never happened proves nothing.
  for (const [what, count] of Object.entries(met)) t.true(count > 0, `nothing was ${what}`);
});

for (const name of scenarioNames()) {
  test(`${name}: one seed gives one history, and every promise holds`, async (t) => {
    t.timeout(120_000);
    const whole = findScenario(name);
    const durationMs = Math.min(whole.durationMs, 8 * 60_000);
    const scenario = { ...whole, devices: 2, durationMs };
    const first = await simulate({ scenario, seed: 7 });
    const second = await simulate({ scenario, seed: 7 });

    t.deepEqual(first.violations, []);
    t.true(first.entries > 0 || whole.runEveryMs > durationMs);
    t.deepEqual(first, second);
    // A fault that never happened proves nothing.
    for (const { kind, everyMs } of whole.faults) {
      t.true(everyMs > durationMs / 2 || (first.mishaps[kind] ?? 0) > 0, kind);
    }
  });
}

test('another seed has another history', async (t) => {
  const scenario = { ...findScenario('storm'), durationMs: 60_000 };
  const digests = new Set<string>();
  for (const seed of [7, 8]) digests.add((await simulate({ scenario, seed })).digest);
  t.is(digests.size, 2);
});

/** What a workflow may call that is real, by the name that it is told. */
const reaches: Readonly<Record<string, () => unknown>> = {
  'Date.now': () => Date.now(),
  'new Date()': () => new Date(),
  'Date()': () => Date(),
  'Math.random': () => Math.random(),
  'performance.now': () => performance.now(),
  'process.hrtime': () => process.hrtime(),
  'process.hrtime.bigint': () => process.hrtime.bigint(),
  setTimeout: () => setTimeout(() => {}, 0),
  setInterval: () => setInterval(() => {}, 1_000),
  setImmediate: () => setImmediate(() => {}),
  'timers/promises.setTimeout': () => pause(0),
  'timers/promises.scheduler.wait': () => scheduler.wait(0),
  'AbortSignal.timeout': () => AbortSignal.timeout(1),
  'Atomics.wait': () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1),
  'crypto.randomUUID': () => crypto.randomUUID(),
  'crypto.getRandomValues': () => crypto.getRandomValues(new Uint8Array(1)),
  'crypto.randomBytes': () => randomBytes(1),
  fetch: () => fetch('http://127.0.0.1'),
  'http.get': () => get('http://127.0.0.1:1'),
  'net.connect': () => connect(1),
  'net.Socket.connect': () => new Socket().connect(1),
  'dns.lookup': () => lookup('localhost', () => {}),
  'dns/promises.resolve4': () => resolve4('localhost'),
  'fs.readFileSync': () => readFileSync('/etc/hostname'),
  'fs/promises.readFile': () => readFile('/etc/hostname'),
  'child_process.execFileSync': () => execFileSync('true'),
  'new worker_threads.Worker': () => new Worker('', { eval: true }),
};

test('a virtual world that reaches for what is real is told the name of the call', async (t) => {
  for (const [name, reach] of Object.entries(reaches)) {
    const told: string[] = [];
    await t.throwsAsync(
      guarded(
        async () => void (await reach()),
        (call) => told.push(call),
      ),
      { message: `${name} is real, and was reached from a virtual world` },
      name,
    );
    t.deepEqual(told, [name]);
  }
  // What is the same on every run is left alone.
  await guarded(async () => {
    await new Promise<void>((resolve) => queueMicrotask(resolve));
    await new Promise<void>((resolve) => process.nextTick(resolve));
    t.is(new Date(0).getTime() + structuredClone(1), 1);
  });
  t.true(Date.now() > 0);
});

test('what code has kept of what is real, when it was loaded, is seen, too', async (t) => {
  layWires();
  const [now, wait] = [Date.now, promisify(setTimeout)];
  const id: () => string = crypto.randomUUID.bind(crypto);
  t.true(now() > 0);
  await wait(0);

  for (const reach of [() => now(), () => wait(0), () => id()]) {
    await t.throwsAsync(
      guarded(async () => void (await reach())),
      { message: /is real, and was reached from a virtual world/ },
    );
  }
});
