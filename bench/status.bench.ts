import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { HoldfastError } from '@holdfast/protocol';
import { alternate, type Benchmark, type Effort, type Measured } from './benchmark.ts';
import { checkoutFile, startChild } from './child.ts';
import { inScratch } from './scratch.ts';

/**
 * How long does a person wait for `holdfast status`?
 *
 * From the start of the process to its end, asking a running agent. The limit: `node -e 0`.
 */
const PAIRS = 21;

async function timeOf(args: readonly string[]): Promise<number> {
  const startedAt = performance.now();
  const child = spawn(process.execPath, args, { stdio: 'ignore' });
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new HoldfastError('HF_PROCESS_FAILED', { why: args.join(' ') });
  return performance.now() - startedAt;
}

async function measure(effort: Effort): Promise<Measured> {
  return inScratch(async (dir) => {
    const program = checkoutFile('agent/bin/holdfast.js');
    const agent = startChild(
      program,
      ...['run', '-o', 'json', '--device', 'bench-1', '--data-dir', join(dir, 'device')],
      ...['--code', checkoutFile('examples/dist/checkout/workflow.js')],
    );
    await agent.line();
    const measured = await alternate(effort.isSmoke ? 1 : PAIRS, {
      ours: () => timeOf([program, 'status', '--data-dir', join(dir, 'device')]),
      limit: () => timeOf(['-e', '0']),
    });
    await agent.end('SIGTERM');
    return measured;
  });
}

export const status: Benchmark = {
  name: 'status',
  about: 'from the start of `holdfast status` to its end; limit: `node -e 0`',
  unit: 'ms',
  run: measure,
};
