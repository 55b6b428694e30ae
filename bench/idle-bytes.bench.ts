import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { Agent } from '@holdfast/agent';
import { HoldfastError } from '@holdfast/protocol';
import type { Benchmark, Effort, Measured } from './benchmark.ts';
import { startGateway } from './child.ts';
import { countingWire } from './counting-wire.ts';
import { inScratch } from './scratch.ts';

/**
 * How many bytes does a device cost in a month in which nothing happens?
 *
 * What a session takes from its first packet until the device is synced, and what a report takes
 * with its answer, is measured on TCP, both ways, in clear: MQTT's frames are in it, TLS and the
 * headers of TCP are not. A month is made of them, as often as the agent sends them, with one new
 * connection a day, and of the two packets of MQTT's keep-alive, of two bytes each [MQTT-3.12].
 */
const DEVICE = 'buoy-7';
const DAYS = 30;
const MONTH_S = DAYS * 24 * 3_600;
const PING_BYTES = 4;
/** How often a device behind a link that costs reports, and asks whether the broker is there. */
const metered = { reportS: 15 * 60, keepaliveS: 240 } as const;
const USUAL_REPORT_S = 5;
/** Each side says something at least that often; what comes in between is a report. */
const REPORT_EVERY = '1s';
const DEADLINE_MS = 60_000;

async function measure({ isSmoke }: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const gateway = await startGateway(join(dir, 'gateway'), '--report-every', REPORT_EVERY);
    const wire = await countingWire(Number(new URL(gateway.mqtt).port));
    const total = () => wire.passed.up + wire.passed.down;
    const visit = async (): Promise<Agent> => {
      const agent = await Agent.open({
        ...{ dataDir: join(dir, 'device'), device: DEVICE, workflows: [], gateway: wire.url },
      });
      await until(async () => (await agent.status()).link.state === 'synced');
      return agent;
    };
    await (await visit()).close(); // The first one brings keys, which happens once.
    const before = total();
    const agent = await visit();
    const session = total() - before;
    const reports = isSmoke ? 1 : 8;
    const idle = await bytesOf(reports, total);
    await agent.close();
    wire.close();
    await gateway.end('SIGTERM');
    return report({ session, idle: idle / reports });
  });
}

/** Bytes until something was said so many times. */
async function bytesOf(times: number, total: () => number): Promise<number> {
  const start = await nextSaid(total);
  let end = start;
  for (let time = 0; time < times; time += 1) end = await nextSaid(total);
  return end - start;
}

/** Waits until bytes came and stopped coming. */
async function nextSaid(total: () => number): Promise<number> {
  const before = total();
  await until(() => total() > before);
  let last = total();
  await until(async () => {
    await pause(200);
    const isStill = total() === last;
    last = total();
    return isStill;
  });
  return last;
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

function report({ session, idle }: { readonly session: number; readonly idle: number }): Measured {
  const kilo = (bytes: number): number => Math.round(bytes / 100) / 10;
  const pings = (MONTH_S / metered.keepaliveS) * PING_BYTES;
  const ours = kilo((MONTH_S / metered.reportS) * idle + pings + DAYS * session);
  const limit = kilo(pings);
  return {
    ...{ ours, limit, ratio: ours / limit },
    facts: {
      'bytes a session': session,
      'bytes a report': Math.round(idle),
      'kB a month, reporting each 5 s': kilo((MONTH_S / USUAL_REPORT_S) * idle + DAYS * session),
      'kB a month, a window a night': kilo(DAYS * (session + idle)),
    },
  };
}

export const idleBytes: Benchmark = {
  name: 'idle-bytes',
  about: 'bytes of an idle month on a link that costs; limit: MQTT that only keeps alive',
  unit: 'kB/month',
  run: measure,
};
