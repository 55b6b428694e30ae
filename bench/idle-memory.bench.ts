import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { median, type Benchmark, type Effort, type Measured } from './benchmark.ts';
import { checkoutFile, processFile, startChild, startGateway, type Child } from './child.ts';
import { installAgent } from './installed-agent.ts';
import { inScratch } from './scratch.ts';

/**
 * How much memory does an agent take that has nothing to do?
 *
 * `holdfast run` with the checkout's code, connected to a gateway; resident size as the kernel
 * counts it, of the larger of two: in the form in which a device gets it from its package, and as
 * npm installs it. The limit: Node with an open LevelDB and an MQTT connection, and no program.
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
    const run = (device: string, { program, code }: { program: string; code: string }): Child =>
      startChild(
        program,
        ...['run', '-o', 'json', '--device', device, '--data-dir', join(dir, device)],
        ...['--gateway', gateway.mqtt, '--code', code],
      );
    const agent = run('bench-1', await installAgent(join(dir, 'installed')));
    const npm = run('bench-2', {
      program: checkoutFile('agent/bin/holdfast.js'),
      code: checkoutFile('examples/dist/checkout/workflow.js'),
    });
    const bare = startChild(processFile('bare-idle'), join(dir, 'bare'), gateway.mqtt);
    const all = [agent, npm, bare];
    await Promise.all(all.map((each) => each.line()));
    const sizes = all.map((each) => resident(each, effort.ms));
    const [packaged = Number.NaN, installed = Number.NaN, limit = Number.NaN] =
      await Promise.all(sizes);
    await Promise.all([...all, gateway].map((each) => each.end('SIGTERM')));
    const facts = { 'MiB, from the package': packaged, 'MiB, as npm installs it': installed };
    const ours = Math.max(packaged, installed);
    return { ours, limit, ratio: ours / limit, facts };
  });
}

export const idleMemory: Benchmark = {
  name: 'idle-memory',
  about: 'resident size of an idle, connected agent; limit: Node with LevelDB and MQTT',
  unit: 'MiB',
  run: measure,
};
