import { execFile } from 'node:child_process';
import { mkdir, readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { SocketClient } from '@holdfast/agent/internal';
import type { ExecutionContext } from 'ava';
import { startHoldfast, type Running } from '../holdfast-cli.ts';
import { tempDir } from '../temp-dir.ts';

const run = promisify(execFile);
const source = fileURLToPath(new URL('../../../support/faults/shim.c', import.meta.url));

let compiled: Promise<Buffer> | undefined;

/** Compiled once in a process. */
async function compileIn(dir: string): Promise<Buffer> {
  const path = join(dir, 'made.so');
  await run('cc', ['-shared', '-fPIC', '-O1', '-o', path, source, '-ldl']);
  return readFile(path);
}

/** Puts the compiled shim into `dir`. @returns its path. */
export async function shimIn(dir: string): Promise<string> {
  const path = join(dir, 'shim.so');
  await writeFile(path, await (compiled ??= compileIn(dir)));
  return path;
}

/**
 * Workflows of the agent: `work` takes three steps; `hold` takes one once it gets its signal;
 * `gated` waits in a step for the file it is given, and journals 2.4 MB then: more than LevelDB
 * writes to one log.
 */
const flows = `
import { existsSync } from 'node:fs';
import { setTimeout as pause } from 'node:timers/promises';
const define = (name, body) => ({ kind: 'workflow', name, version: 1, body });
export const work = define('work', async (ctx, n) => {
  for (const step of ['a', 'b', 'c']) await ctx.step(step, () => n);
  return n;
});
export const hold = define('hold', async (ctx) => {
  await ctx.waitFor('go');
  return ctx.step('after', () => 'done');
});
export const gated = define('gated', async (ctx, gate) => {
  await ctx.step('gate', async () => {
    while (!existsSync(gate)) await pause(10);
  });
  for (let n = 0; n < 60; n += 1) await ctx.step('s' + n, () => 'x'.repeat(40_000));
});
`;

export interface FaultyAgent {
  readonly dataDir: string;
  /** A connection of its own each: one that waits keeps no other. */
  readonly ask: <T>(question: (client: SocketClient) => Promise<T>) => Promise<T>;
  readonly agent: Running;
  /** Starts a run of `gated`. @returns Lets it go on. */
  readonly gate: (id: string) => Promise<() => Promise<void>>;
  /** What fails from now on, as shim.c has it; empty: nothing. */
  readonly order: (line: string) => Promise<void>;
}

/** A `holdfast run` whose disk does as the test says. */
export async function faultyAgent(
  t: ExecutionContext,
  options: {
    /** Where its data is; default: a directory of its own. */
    readonly dataDir?: string;
    readonly args?: readonly string[];
    /** Whether the shim is loaded. */
    readonly isShimmed?: boolean;
    /** Below which path calls fail; default: the data directory. */
    readonly below?: string;
    /** What fails from the start on; default: nothing. */
    readonly order?: string;
  } = {},
): Promise<FaultyAgent> {
  const dir = await tempDir(t);
  const { args = [], isShimmed = true } = options;
  const dataDir = options.dataDir ?? join(dir, 'data');
  await mkdir(dataDir, { recursive: true });
  const code = join(dir, 'flows.mjs');
  const orders = join(dir, 'orders');
  const socket = join(dir, 'agent.sock');
  await writeFile(code, flows);
  const order = async (line: string): Promise<void> => {
    await writeFile(`${orders}.new`, line);
    await rename(`${orders}.new`, orders);
  };
  await order(options.order ?? '');
  const { below = dataDir } = options;
  const preload = isShimmed
    ? { LD_PRELOAD: await shimIn(dir), FAULT_DIR: below, FAULT_FILE: orders }
    : {};
  const words = ['run', '--device', 'd1', '--data-dir', dataDir, '--socket', socket];
  const agent = startHoldfast(t, [...words, '--code', code, ...args], { env: preload });
  await agent.nextLine();
  const ask: FaultyAgent['ask'] = (question) => question(new SocketClient(socket));
  const gate: FaultyAgent['gate'] = async (id) => {
    const path = join(dir, `gate-${id}`);
    await ask((client) => client.start({ workflow: 'gated', input: path, id }));
    return () => writeFile(path, '');
  };
  return { dataDir, ask, agent, gate, order };
}
