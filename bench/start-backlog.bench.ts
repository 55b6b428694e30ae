import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { SocketClient } from '@holdfast/agent/internal';
import type { Benchmark, Effort, Measured } from './benchmark.ts';
import { entriesOf, fillBacklog, type BacklogSize } from './backlog-store.ts';
import { checkoutFile, startChild } from './child.ts';
import { residentMib } from './resident.ts';
import { inScratch } from './scratch.ts';

/**
 * How does an agent start on what weeks without a link have left: how soon is it ready, and how
 * much memory does it take?
 *
 * 1,000,000 entries that the ledger lacks, 1 GB; a tenth of them of runs that have ended. `holdfast
 * run` starts on them with a gateway that is not there. The limit: the same on an empty store.
 */
const LARGE: BacklogSize = { events: 900_000, runs: 10_000 };
const SMOKE: BacklogSize = { events: 900, runs: 10 };
/** After it is ready, as long as it looks at what it has to send. */
const SETTLED_MS = 1_000;
const MIB = 1_024 * 1_024;
/** Nobody listens there. */
const NOWHERE = 'mqtt://127.0.0.1:1';

interface Seen {
  readonly ms: number;
  /** At most, from the start on. */
  readonly mib: number;
  readonly pending: number;
}

async function look(dataDir: string, socket: string): Promise<Seen> {
  const startedAt = performance.now();
  const agent = startChild(
    checkoutFile('agent/bin/holdfast.js'),
    ...['run', '-o', 'json', '--device', 'bench-1', '--data-dir', dataDir, '--socket', socket],
    ...['--code', checkoutFile('examples/dist/checkout/workflow.js'), '--gateway', NOWHERE],
    ...['--journal-max-bytes', '4G'],
  );
  await agent.line();
  const ms = performance.now() - startedAt;
  const client = new SocketClient(socket);
  const { backlog } = await client.status();
  await pause(SETTLED_MS);
  const mib = residentMib(agent.pid, 'VmHWM');
  await agent.end('SIGTERM');
  return { ms, mib, pending: backlog.pending };
}

async function bytesIn(dir: string): Promise<number> {
  const names = await readdir(dir);
  const sizes = await Promise.all(names.map(async (name) => (await stat(join(dir, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

interface Both {
  readonly full: Seen;
  readonly empty: Seen;
  readonly facts: Readonly<Record<string, number>>;
  readonly isRight: boolean;
}

/** Time and memory are of the same starts: the store is made once for both rows. */
let seen: Promise<Both> | undefined;

function measure({ isSmoke }: Effort): Promise<Both> {
  return inScratch(async (dir) => {
    const size = isSmoke ? SMOKE : LARGE;
    const [dataDir, socket] = [join(dir, 'device'), join(dir, 'agent.sock')];
    await fillBacklog(dataDir, size);
    const mib = (await bytesIn(join(dataDir, 'store'))) / MIB;
    const empty = await look(join(dir, 'empty'), socket);
    const full = await look(dataDir, socket);
    const entries = entriesOf(size);
    const facts = { 'store MiB': mib, entries: full.pending, 'resident MiB': full.mib };
    return { full, empty, facts, isRight: full.pending === entries };
  });
}

async function rowOf(of: 'ms' | 'mib', effort: Effort): Promise<Measured> {
  const { full, empty, ...told } = await (seen ??= measure(effort));
  return { ours: full[of], limit: empty[of], ratio: full[of] / empty[of], ...told };
}

export const startBacklog: readonly Benchmark[] = [
  {
    name: 'start-backlog',
    about: 'a start with 1,000,000 entries to send, until it is ready; limit: with none',
    unit: 'ms',
    run: (effort) => rowOf('ms', effort),
  },
  {
    name: 'start-backlog-memory',
    about: 'largest resident size in that start; limit: with none',
    unit: 'MiB',
    run: (effort) => rowOf('mib', effort),
  },
];
