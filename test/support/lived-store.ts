import { cp, lstat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, workflow } from '@holdfast/agent';
import { Journal, loadLevel, openDataDir, sha256, systemClock } from '@holdfast/agent/internal';
import { lanes, type Lane } from '@holdfast/protocol';

/** Steps whose bodies have run in this process, `run/step`. */
export const executed: string[] = [];

/** Two steps, then a wait for the signal `go`, then a third step. */
export const errand = workflow('errand', async (ctx, input: { readonly waits: boolean }) => {
  const step = (name: string): Promise<string> =>
    ctx.step(name, () => {
      executed.push(`${ctx.runId}/${name}`);
      return `${name} of ${ctx.runId}`;
    });
  const first = await step('first');
  const second = await step('second');
  if (input.waits) await ctx.waitFor('go');
  return [first, second, await step('third')];
});

/** What one entry was: to be looked for after something has happened to the store. */
export interface KnownEntry {
  readonly lane: Lane;
  readonly seq: number;
  readonly bytes: string;
}

/**
 * Has LevelDB write small tables in this process, so that a small store has many, and that
 * compactions happen.
 */
export async function useSmallTables(): Promise<void> {
  // LevelDB's options are ours to choose in a test; production code has no switch for them. The
  // agent has a copy of its own.
  const { prototype }: { prototype: { open: (options?: object) => Promise<void> } } =
    await loadLevel();
  const { open } = prototype;
  prototype.open = function smallTables(this: unknown, options?: object): Promise<void> {
    return open.call(this, { ...options, writeBufferSize: 64 * 1024, maxFileSize: 1024 * 1024 });
  };
}

/**
 * Lets an agent live on `dir` for a while: several starts, runs that end and runs that wait.
 *
 * @param alarms More entries of the urgent lane at each start.
 * @param storeKey Encrypts it.
 */
export async function liveOn(
  dir: string,
  starts: number,
  alarms = 0,
  storeKey?: Uint8Array,
): Promise<void> {
  const options = { dataDir: dir, ...(storeKey === undefined ? {} : { storeKey }) };
  for (let start = 0; start < starts; start += 1) {
    const agent = await Agent.open({ ...options, device: 'd1', workflows: [errand] });
    await work(agent, start);
    for (let n = 0; n < alarms; n += 1) await agent.emit('late', noise(n, 100), { lane: 'urgent' });
    await agent.close();
  }
}

/** The same once more, without an orderly end: `copy` is what a kill in the middle leaves. */
export async function dieOn(dir: string, copy: string, start: number): Promise<void> {
  const agent = await Agent.open({ dataDir: dir, device: 'd1', workflows: [errand] });
  try {
    await work(agent, start);
    // As the agent does some seconds later.
    const { epoch, backlog } = await agent.status();
    const heads = lanes.map((lane) => backlog.lanes.find((each) => each.lane === lane)?.head ?? 0);
    await writeFile(join(dir, 'store.heads'), JSON.stringify({ epoch, heads }));
    const filter = async (path: string) => !(await lstat(path)).isSocket();
    await cp(dir, copy, { recursive: true, filter });
  } finally {
    await agent.close();
  }
}

async function work(agent: Agent, start: number): Promise<void> {
  for (let n = 0; n < 6; n += 1) {
    const id = `errand-${start}-${n}`;
    const run = await agent.start(errand, { waits: n % 2 === 0 }, { id });
    if (n % 2 === 1) await run.result();
    await agent.emit('reading', noise(start * 100 + n, 3_000), { lane: 'bulk' });
    await agent.emit('alarm', { start, n }, { lane: 'urgent' });
  }
}

/** All entries of a data directory whose agent does not run. */
export async function entriesOf(dir: string): Promise<KnownEntry[]> {
  const { store, epoch, device, release } = await openDataDir(dir, { device: 'd1' });
  const journal = await Journal.open({ device, epoch, boot: 1, store, sha256, clock: systemClock });
  const found: KnownEntry[] = [];
  for (const lane of lanes) {
    for (const { seq, bytes } of await journal.entries(lane, 1, 1_000_000)) {
      found.push({ lane, seq, bytes: Buffer.from(bytes).toString('base64') });
    }
  }
  await release();
  return found;
}

/** Text that does not compress. */
function noise(seed: number, length: number): string {
  let state = seed + 1;
  let text = '';
  while (text.length < length) {
    state = (state * 48_271) % 2_147_483_647;
    text += state.toString(36);
  }
  return text.slice(0, length);
}
