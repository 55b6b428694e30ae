import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { median, type Benchmark, type Effort, type Measured } from './benchmark.ts';
import { checkoutFile, processFile, startChild, startGateway, type Child } from './child.ts';
import { inScratch } from './scratch.ts';

/**
 * How much memory does an agent take that has nothing to do?
 *
 * `holdfast run` with the checkout's code, connected to a gateway; resident size as the kernel
 * counts it. The limit: Node with an open LevelDB and an MQTT connection, and no program.
 */
const SAMPLES = 10;
const MIB = 1_024 * 1_024;

/** Bytes of a process in memory. Linux. */
async function residentBytes(pid: number): Promise<number> {
  const status = await readFile(`/proc/${pid}/status`, 'utf8');
  return 1_024 * Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1]);
}

async function resident(child: Child, ms: number): Promise<number> {
  const samples: number[] = [];
  for (let index = 0; index < SAMPLES; index += 1) {
    await pause(ms / SAMPLES);
    samples.push(await residentBytes(child.pid));
  }
  // The first half is still about the start.
  return median(samples.slice(SAMPLES / 2)) / MIB;
}

async function measure(effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const gateway = await startGateway(join(dir, 'gateway'));
    const agent = startChild(
      checkoutFile('agent/bin/holdfast.js'),
      ...['run', '-o', 'json', '--device', 'bench-1', '--data-dir', join(dir, 'device')],
      ...['--gateway', gateway.mqtt, '--code', checkoutFile('examples/dist/checkout/workflow.js')],
    );
    const bare = startChild(processFile('bare-idle'), join(dir, 'bare'), gateway.mqtt);
    await Promise.all([agent.line(), bare.line()]);
    const sizes = [agent, bare].map((each) => resident(each, effort.ms));
    const [ours = Number.NaN, limit = Number.NaN] = await Promise.all(sizes);
    await Promise.all([agent, bare, gateway].map((each) => each.end('SIGTERM')));
    return { ours, limit, ratio: ours / limit };
  });
}

export const idleMemory: Benchmark = {
  name: 'idle-memory',
  about: 'resident size of an idle, connected agent; limit: Node with LevelDB and MQTT',
  unit: 'MiB',
  run: measure,
};
