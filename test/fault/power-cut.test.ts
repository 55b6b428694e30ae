import { cp, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import ava, { type ExecutionContext } from 'ava';
import { readStopped, writeSnapshot } from '@holdfast/agent/internal';
import { useSmallTables } from '../support/lived-store.ts';
import { Disk, type Names } from '../support/power/disk.ts';
import { compileRecorder, record, type Writing } from '../support/power/record.ts';
import type { Recording } from '../support/power/recording.ts';
import { examineCut, type Complaint } from '../support/power/survivor.ts';
import { hasProgram } from '../support/program.ts';
import { SimChance } from '../support/sim-chance.ts';
import { tempDir } from '../support/temp-dir.ts';

/** The long form: `npm run test:power -- --cuts 2000`. */
const CUTS = Number(process.env['POWER_CUTS'] ?? 40);
const SEED = Number(process.env['POWER_SEED'] ?? 1);

await useSmallTables();
const test = ava.serial;

/** A recording, and the disk that it began with. */
interface Scene {
  readonly base: string;
  readonly recording: Recording;
  /** Said in earlier recordings. */
  readonly before: Recording['said'];
}

interface Cut {
  readonly dir: string;
  readonly seed: number;
  readonly names: Names;
}

async function scene(
  t: ExecutionContext,
  writing: Omit<Writing, 'dir'>,
  earlier?: { readonly dir: string; readonly said: Recording['said'] },
): Promise<Scene> {
  const root = await tempDir(t);
  const recorder = await compileRecorder(root);
  const base = join(root, 'base');
  const dir = join(root, 'recorded');
  if (earlier === undefined) await mkdir(base);
  else {
    await cp(earlier.dir, base, { recursive: true });
    await cp(earlier.dir, dir, { recursive: true });
  }
  const recording = await record(recorder, { ...writing, dir });
  return { base, recording, before: earlier?.said ?? [] };
}

/** A scene that begins with what a writer has left behind in good order. */
async function sceneAfter(
  t: ExecutionContext,
  first: Omit<Writing, 'dir'>,
  writing: Omit<Writing, 'dir'>,
  then: (dir: string) => Promise<unknown> = async () => {},
): Promise<Scene> {
  const root = await tempDir(t);
  const dir = join(root, 'left');
  const { said } = await record(await compileRecorder(root), { ...first, dir });
  await then(dir);
  await rm(join(dir, 'said'));
  return scene(t, writing, { dir, said: said.map((each) => ({ ...each, at: 0 })) });
}

/** Cuts the power at a moment that the seed decides; every fourth time at the beginning. */
async function makeCut(
  { base, recording, before }: Scene,
  { dir, seed, names }: Cut,
): Promise<{ readonly at: number; readonly said: Recording['said'] }> {
  const chance = new SimChance(seed);
  const { events } = recording;
  const range = seed % 4 === 0 ? Math.min(150, events.length) : events.length;
  const at = Math.floor(chance.next() * (range + 1));
  const disk = await Disk.of(base, names);
  for (const event of events.slice(0, at)) disk.take(event);
  await disk.cut(dir, chance);
  return { at, said: [...before, ...recording.said.filter((each) => each.at <= at)] };
}

/** Complaints of so many cuts, each on a line with what makes it again. */
async function cutOften(
  t: ExecutionContext,
  at: Scene,
  options: Parameters<typeof examineCut>[2] & { readonly cuts: number; readonly stopAt?: number },
): Promise<Complaint[]> {
  const root = await tempDir(t);
  const { cuts, names, stopAt = Number.POSITIVE_INFINITY, ...examining } = options;
  const complaints: Complaint[] = [];
  for (let seed = SEED; seed < SEED + cuts && complaints.length < stopAt; seed += 1) {
    const dir = join(root, `cut-${seed}`);
    const cut = await makeCut(at, { dir, seed, names });
    for (const complaint of await examineCut(dir, cut.said, { names, ...examining })) {
      complaints.push(`seed ${seed}, ${names}, event ${cut.at}: ${complaint}`);
    }
    await rm(dir, { recursive: true });
  }
  return complaints;
}

/** A test that needs a C compiler. */
const powerTest = hasProgram('cc') ? test : test.skip;

powerTest('runs survive power cuts (needs cc): no step that had resolved runs again', async (t) => {
  t.timeout(60_000 + CUTS * 2_000);
  const at = await scene(t, { task: 'agent', count: 60 });
  const cuts = Math.ceil(CUTS * 0.3);

  t.true(at.recording.said.some(({ words }) => words[0] === 'ended'));
  t.deepEqual(await cutOften(t, at, { cuts, names: 'ordered' }), []);
  t.log(`${cuts} cuts in ${at.recording.events.length} events`);
});

powerTest('L2 entries survive power cuts (needs cc), through trims and compactions', async (t) => {
  t.timeout(60_000 + CUTS * 2_000);
  const at = await scene(t, { task: 'journal', count: 300 });
  const isCompacted = at.recording.events.some(
    ({ kind, path }) => kind === 'unlink' && path.endsWith('.ldb'),
  );
  const cuts = Math.ceil(CUTS * 0.15);

  t.true(isCompacted, 'tables were compacted');
  t.deepEqual(await cutOften(t, at, { cuts, names: 'ordered' }), []);
  t.deepEqual(await cutOften(t, at, { cuts, names: 'loose' }), []);
  t.log(`${2 * cuts} cuts in ${at.recording.events.length} events`);
});

powerTest('an encrypted store survives power cuts, its making included (needs cc)', async (t) => {
  t.timeout(60_000 + CUTS * 2_000);
  const at = await scene(t, { task: 'journal', count: 40, isEncrypted: true });
  const cuts = Math.ceil(CUTS * 0.1);

  t.true(at.recording.events.some(({ path }) => path.includes('store.key')));
  t.deepEqual(await cutOften(t, at, { cuts, names: 'ordered' }), []);
});

powerTest('a cut during the recovery from a cut loses nothing either (needs cc)', async (t) => {
  t.timeout(60_000 + CUTS * 4_000);
  const first = await scene(t, { task: 'journal', count: 60 });
  const perScene = 8;
  const scenes = Math.ceil((CUTS * 0.15) / perScene);
  for (let number = 0; number < scenes; number += 1) {
    const dir = join(await tempDir(t), 'cut');
    const { said } = await makeCut(first, { dir, seed: SEED + number, names: 'ordered' });
    const writing = { task: 'journal', from: 1_000, count: 10 } as const;
    const second = await scene(t, writing, { dir, said });
  
    t.deepEqual(await cutOften(t, second, { cuts: perScene, names: 'ordered' }), []);
  }
});

powerTest('S58 a new epoch that a power cut interrupts loses nothing (needs cc)', async (t) => {
  t.timeout(60_000 + CUTS * 2_000);
  const at = await sceneAfter(t, { task: 'agent', count: 6 }, { task: 'epoch', count: 0 });
  const cuts = Math.ceil(CUTS * 0.1);

  t.deepEqual(at.recording.said.at(-2)?.words, ['epoch', '2']);
  t.deepEqual(await cutOften(t, at, { cuts, names: 'ordered', began: 'rewound' }), []);
  t.log(`${cuts} cuts in ${at.recording.events.length} events`);
});

powerTest('O7 a change of keys cut short leaves one that opens (needs cc)', async (t) => {
  t.timeout(60_000 + CUTS * 2_000);
  const first = { task: 'journal', count: 30, isEncrypted: true } as const;
  const at = await sceneAfter(t, first, { task: 'rekey', count: 0 });
  const cuts = Math.ceil(CUTS * 0.1);

  t.deepEqual(at.recording.said.at(-2)?.words, ['key', '2']);
  t.deepEqual(await cutOften(t, at, { cuts, names: 'ordered' }), []);
  t.log(`${cuts} cuts in ${at.recording.events.length} events`);
});

powerTest('a cut during a restore leaves the old store or that one (needs cc)', async (t) => {
  t.timeout(60_000 + CUTS * 2_000);
  let saidLater: Recording['said'] = [];
  const first = { task: 'journal', count: 20 } as const;
  const at = await sceneAfter(t, first, { task: 'restore', count: 0 }, async (dir) => {
    const stopped = await readStopped(join(dir, 'data'));
    await writeSnapshot(stopped.surface, join(dir, 'snapshot'));
    await stopped.close();
    const more = { task: 'journal', from: 100, count: 10, dir } as const;
    const { said } = await record(await compileRecorder(await tempDir(t)), more);
    saidLater = said.filter(({ words }) => words[0] === 'entry' || words[0] === 'trimmed');
  });
  const cuts = Math.ceil(CUTS * 0.1);

  t.deepEqual(at.recording.said.at(-2)?.words, ['epoch', '2']);
  const restored = { began: 'restored', saidLater } as const;
  t.deepEqual(await cutOften(t, at, { cuts, names: 'ordered', ...restored }), []);
  t.log(`${cuts} cuts in ${at.recording.events.length} events`);
});

powerTest('the cuts show it when LevelDB does not sync (needs cc)', async (t) => {
  const at = await scene(t, { task: 'journal', count: 60, breaks: 'no-sync' });

  const complaints = await cutOften(t, at, { cuts: 40, names: 'ordered', stopAt: 1 });
  t.regex(complaints[0] ?? 'nothing', /is lost|is missing/);
});

powerTest('the cuts show it when a store is made in place (needs cc)', async (t) => {
  const at = await scene(t, { task: 'journal', count: 5, breaks: 'in-place' });

  const complaints = await cutOften(t, at, { cuts: 80, names: 'ordered', stopAt: 1 });
  t.regex(complaints[0] ?? 'nothing', /moved aside|does not start/);
});
