import { Agent, workflow } from '@holdfast/agent';
import {
  Journal,
  hasStoreKey,
  openDataDir,
  sha256,
  systemClock,
  verifyChains,
} from '@holdfast/agent/internal';
import { codeOf, decodeEntry, laneIndex, lanes, type EpochCause } from '@holdfast/protocol';
import type { Said } from './recording.ts';

/** The first encrypts the stores of writers that are told to; the others come with `rekey`. */
export const powerKeys = [
  new Uint8Array(32).fill(3),
  new Uint8Array(32).fill(4),
  new Uint8Array(32).fill(5),
] as const;

/** What a start on a cut disk did not keep to. */
export type Complaint = string;

interface Examining {
  readonly names: 'ordered' | 'loose';
  /** Something was done that begins a new epoch on purpose. */
  readonly began?: EpochCause;
  /** Said of what a restored snapshot does not have. */
  readonly saidLater?: readonly Said[];
}

/** What is wrong with a disk after a cut, given what had been said before. */
export async function examineCut(
  dir: string,
  said: readonly Said[],
  options: Examining,
): Promise<Complaint[]> {
  try {
    const complaints = await examineJournal(`${dir}/data`, said, options);
    return complaints.length > 0 ? complaints : await examineRuns(`${dir}/data`, said);
  } catch (error) {
    return [`it does not start: ${String(error)}`];
  }
}

/** The key that opens it: none that was given up before the cut, as far as that was said. */
async function openCut(dir: string, said: readonly Said[]) {
  if (!hasStoreKey(dir)) return openDataDir(dir, { device: 'd1' });
  const told = said.flatMap(({ words: [what, n] }) => (what === 'key' ? Number(n) : []));
  const least = Math.max(0, ...told);
  for (const storeKey of powerKeys.slice(least)) {
    try {
      return await openDataDir(dir, { device: 'd1', storeKey });
    } catch (error) {
      if (codeOf(error) !== 'HF_STORE_KEY') throw error;
    }
  }
  throw new Error('no key opens it');
}

async function examineJournal(
  dir: string,
  saidBefore: readonly Said[],
  { names, began, saidLater = [] }: Examining,
): Promise<Complaint[]> {
  const opened = await openCut(dir, saidBefore);
  const { device, epoch, store, salvage, recreated, release } = opened;
  const isRestored = salvage?.cause === 'restored';
  const said = isRestored ? saidBefore : [...saidBefore, ...saidLater];
  const journal = await Journal.open({ device, epoch, boot: 1, store, sha256, clock: systemClock });
  const { faults } = await verifyChains({ store, sha256, device, epoch });
  const complaints = faults.map(({ lane, seq, why }) => `entry ${seq} of lane ${lane} ${why}`);
  complaints.push(...(await lostOf(journal, said)));
  const isOnPurpose = began !== undefined && salvage?.cause === began;
  const hasLost = !isRestored && salvage !== undefined && salvage.entriesLost > 0;
  if (names === 'ordered' && (isOnPurpose ? hasLost : salvage !== undefined)) {
    complaints.push(`the store was moved aside: ${salvage?.why}, lost ${salvage?.lost}`);
  }
  if (recreated) complaints.push('the store was missing');
  for (const { words } of said) {
    if (words[0] === 'epoch' && epoch < Number(words[1])) complaints.push(`epoch ${epoch} again`);
    if (words[0] === 'restored' && !isRestored) complaints.push('it is not restored any more');
  }
  const receipt = { command: 1, outcome: 'applied', reason: '', key: '' } as const;
  await journal.append([{ lane: 'bulk', body: { kind: 'command.receipt', ...receipt } }]);
  await release();
  return complaints;
}

/** What had been said to be durable, and is not there. */
async function lostOf(journal: Journal, said: readonly Said[]): Promise<Complaint[]> {
  const complaints: Complaint[] = [];
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
