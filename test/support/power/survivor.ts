import { readdirSync } from 'node:fs';
import { Agent, workflow } from '@holdfast/agent';
import {
  Journal,
  hasStoreKey,
  openDataDir,
  sha256,
  systemClock,
  verifyChains,
} from '@holdfast/agent/internal';
import { decodeEntry, laneIndex, lanes } from '@holdfast/protocol';
import type { Said } from './recording.ts';

/** Encrypts the stores of writers that are told to. */
export const powerKey = new Uint8Array(32).fill(3);

/** What a start on a cut disk did not keep to. */
export type Complaint = string;

/** What is wrong with a disk after a cut, given what had been said before. */
export async function examineCut(
  dir: string,
  said: readonly Said[],
  options: { readonly names: 'ordered' | 'loose' },
): Promise<Complaint[]> {
  try {
    const complaints = await examineJournal(`${dir}/data`, said, options.names);
    return complaints.length > 0 ? complaints : await examineRuns(`${dir}/data`, said);
  } catch (error) {
    return [`it does not start: ${String(error)}`];
  }
}

async function examineJournal(
  dir: string,
  said: readonly Said[],
  names: 'ordered' | 'loose',
): Promise<Complaint[]> {
  const storeKey = hasStoreKey(dir) ? powerKey : undefined;
  const opened = await openDataDir(dir, { device: 'd1', storeKey });
  const { device, epoch, store, salvage, recreated, release } = opened;
  const journal = await Journal.open({ device, epoch, boot: 1, store, sha256, clock: systemClock });
  const { faults } = await verifyChains({ store, sha256, device, epoch });
  const complaints = faults.map(({ lane, seq, why }) => `entry ${seq} of lane ${lane} ${why}`);
  const there = new Set<string>();
  for (const lane of lanes) {
    for (const { bytes } of await journal.entries(lane, 1, 1_000_000)) {
      const entry = decodeEntry(bytes);
      if ('name' in entry) there.add(`${lane} ${entry.name}`);
    }
  }
  const trimmed = [0, 0, 0];
  for (const { words } of said) {
    const [what, lane, seq] = words;
    const index = lanes.findIndex((each) => each === lane);
    if (what === 'trimmed') trimmed[index] = Math.max(trimmed[index] ?? 0, Number(seq));
  }
  for (const { words } of said) {
    const [what, lane = '', seq, name] = words;
    if (what === 'emitted' && !there.has(`bulk ${lane}`)) complaints.push(`${lane} is lost`);
    if (what !== 'entry' || there.has(`${lane} ${name}`)) continue;
    const known = lanes.find((each) => each === lane) ?? 'bulk';
    if (Number(seq) > (trimmed[laneIndex(known)] ?? 0)) complaints.push(`${lane} ${seq} is lost`);
  }
  if (readdirSync(dir).some((name) => name.includes('.bad-')) && names === 'ordered') {
    complaints.push(`the store was moved aside: ${salvage?.why}`);
  }
  if (recreated) complaints.push('the store was missing');
  const receipt = { command: 1, outcome: 'applied', reason: '', key: '' } as const;
  await journal.append([{ lane: 'bulk', body: { kind: 'command.receipt', ...receipt } }]);
  await release();
  return complaints;
}

async function examineRuns(dir: string, said: readonly Said[]): Promise<Complaint[]> {
  const started = said.filter(({ words }) => words[0] === 'started').map(({ words }) => words[1]);
  if (started.length === 0) return [];
  const done = new Set(said.map(({ words }) => words.join(' ')));
  const complaints: Complaint[] = [];
  const errand = workflow('errand', async (ctx, n: number) => {
    for (const name of ['first', 'second']) {
      await ctx.step(name, () => {
        const isRepeated = done.has(`step ${ctx.runId} ${name}`);
        if (isRepeated) complaints.push(`${ctx.runId}/${name} ran again`);
        return 'again';
      });
    }
    await ctx.waitFor('go');
    return n;
  });
  const agent = await Agent.open({ dataDir: dir, device: 'd1', workflows: [errand] });
  for (const id of started) {
    if (id === undefined) continue;
    try {
      const run = await agent.run(id);
      const isOver = done.has(`signalled ${id}`) || done.has(`completed ${id}`);
      if (!isOver) await run.signal('go').catch(() => {});
      if (`errand-${String(await run.result())}` !== id) complaints.push(`${id}: a result`);
    } catch (error) {
      complaints.push(`${id}: ${String(error)}`);
    }
  }
  await agent.close();
  return complaints;
}
