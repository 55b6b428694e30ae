import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { HoldfastError } from '@holdfast/protocol';
import type { Benchmark, Effort, Measured } from './benchmark.ts';
import { checkoutFile, nodeCommand, processFile, startProgram, type Child } from './child.ts';
import { countingWire } from './counting-wire.ts';
import { inScratch } from './scratch.ts';
import { wakeups } from './wakeups.ts';

/**
 * How many bytes does a device cost in a month in which nothing happens, and how often is it woken?
 *
 * A gateway and an agent whose link has a budget, whole programs as they ship, live an hour in a
 * minute (libfaketime), and what goes between them is counted on TCP, both ways, in clear: MQTT's
 * frames and keep-alive are in it, TLS and the headers of TCP are not. A month is 720 of these
 * hours, and a new connection each day. Limit: MQTT that only keeps alive, two bytes each way
 * [MQTT-3.12] as seldom as a link that costs is asked. Wake-ups are counted in the same hour, and
 * those of a program that has a store and a connection and nothing to do.
 */
const SPEED = 60;
const HOUR_MS = 3_600_000;
const MONTH = { hours: 720, days: 30 } as const;
const PING_BYTES = 4;
const KEEPALIVE_S = 240;
/** Within which a connection has said what it has to say: a quarter of a keep-alive. */
const STILL_MS = 1_000;
const DEADLINE_MS = 120_000;
const metered = ['--link-budget', '10M/month'] as const;

interface Idle {
  /** Bytes of a connection, of an hour, and of an hour with reports each 5 s. */
  readonly session: number;
  readonly hour: number;
  readonly usualHour: number;
  /** How often an agent is woken in an hour, and a program that only keeps alive. */
  readonly wakes: number;
  readonly bareWakes: number;
}

let seen: Promise<Idle> | undefined;

async function watch({ isSmoke }: Effort): Promise<Idle> {
  return inScratch(async (dir) => {
    const gateway = startFast(
      ...[checkoutFile('gateway/bin/holdfast-gateway.js'), 'serve', '-o', 'json'],
      ...['--mqtt-port', '0', '--http-port', '0', '--data-dir', join(dir, 'gateway')],
    );
    const { mqtt } = await gateway.line();
    const wire = await countingWire(Number(new URL(String(mqtt)).port));
    const total = () => wire.passed.up + wire.passed.down;
    const begin = (...more: readonly string[]): Child =>
      startFast(
        ...[checkoutFile('agent/bin/holdfast.js'), 'run', '--data-dir', join(dir, 'device')],
        ...['--device', 'buoy-7', '--gateway', wire.url],
        ...['--code', checkoutFile('bench/dist/processes/no-workflows.js'), ...more],
      );
    const first = begin(...metered); // It brings keys, once.
    await said(total);
    await first.end('SIGKILL');
    const before = total();
    const bare = startFast(
      ...[processFile('bare-idle'), join(dir, 'bare'), String(mqtt), String(KEEPALIVE_S)],
    );
    await bare.line();
    const agent = begin(...metered);
    await said(total);
    const session = total() - before;
    const hours = isSmoke ? 1 / 60 : 1;
    // In the first half V8 still puts away what the start has left.
    const halves = [await bytesIn((hours * HOUR_MS) / 2, total)];
    const woken = [agent, bare].map(({ pid }) => wakeups(pid));
    halves.push(await bytesIn((hours * HOUR_MS) / 2, total));
    const [wakes = 0, bareWakes = 0] = [agent, bare].map(
      ({ pid }, index) => (wakeups(pid) - (woken[index] ?? 0)) / (hours / 2),
    );
    const hour = halves.reduce((sum, bytes) => sum + bytes, 0) / hours;
    await Promise.all([agent.end('SIGKILL'), bare.end('SIGKILL')]);
    const usual = begin();
    const connected = total();
    await until(() => total() > connected + session);
    const usualHour = (await bytesIn(HOUR_MS / 60, total)) * 60;
    await usual.end('SIGKILL');
    wire.close();
    await gateway.end('SIGKILL');
    return { session, hour, usualHour, wakes, bareWakes };
  });
}

const libraries = ['/usr/lib/x86_64-linux-gnu', '/usr/lib/aarch64-linux-gnu', '/usr/lib'];
const library = libraries
  .map((place) => join(place, 'faketime', 'libfaketimeMT.so.1'))
  .find((path) => existsSync(path));

/** Node on a file, with time that goes faster than ours. */
function startFast(file: string, ...args: readonly string[]): Child {
  const env = { LD_PRELOAD: library ?? '', FAKETIME: `+0 x${SPEED}` };
  return startProgram(nodeCommand(file, ...args), { env });
}

/** Bytes in so long a time of the device. */
async function bytesIn(ms: number, total: () => number): Promise<number> {
  const before = total();
  await pause(ms / SPEED);
  return total() - before;
}

/** Waits until bytes came and stopped coming. */
async function said(total: () => number): Promise<void> {
  const before = total();
  await until(() => total() > before);
  let last = total();
  await until(async () => {
    await pause(STILL_MS);
    const isStill = total() === last;
    last = total();
    return isStill;
  });
}

async function until(holds: () => boolean | Promise<boolean>): Promise<void> {
  const endMs = performance.now() + DEADLINE_MS;
  while (!(await holds())) {
    if (performance.now() > endMs) {
      throw new HoldfastError('HF_WAIT_TIMEOUT', { why: 'the device is not as idle as it should' });
    }
    await pause(20);
  }
}

function inBytes({ session, hour, usualHour }: Idle): Measured {
  const kilo = (sum: number): number => Math.round(sum / 100) / 10;
  const sessions = MONTH.days * session;
  const ours = kilo(MONTH.hours * hour + sessions);
  const limit = kilo((MONTH.hours * HOUR_MS * PING_BYTES) / (KEEPALIVE_S * 1_000));
  return {
    ...{ ours, limit, ratio: ours / limit },
    facts: {
      'bytes a session': session,
      'bytes an idle hour': Math.round(hour),
      'kB a month, reporting each 5 s': kilo(MONTH.hours * usualHour + sessions),
      'kB a month, a window a night': kilo(sessions),
    },
  };
}

/** A second or less of our time is too short to tell. */
function inWakes({ wakes, bareWakes }: Idle): Measured {
  const limit = Math.max(1, bareWakes);
  return { ours: wakes, limit, ratio: wakes / limit };
}

const row = (name: string, about: string, how: Pick<Benchmark, 'unit'> & { read: Read }) => ({
  ...{ name, about, unit: how.unit },
  run: async (effort: Effort) => how.read(await (seen ??= watch(effort))),
});
type Read = (idle: Idle) => Measured;

/** Only where time can be made to go faster. */
export const idle: readonly Benchmark[] =
  library === undefined
    ? []
    : [
        row(
          'idle-bytes',
          'bytes of an idle month on a link that costs; limit: MQTT that only keeps alive',
          { unit: 'kB/month', read: inBytes },
        ),
        row(
          'idle-wakes',
          'wake-ups of its threads in an idle hour; limit: Node that keeps MQTT alive',
          { unit: 'wakes/hour', read: inWakes },
        ),
      ];
