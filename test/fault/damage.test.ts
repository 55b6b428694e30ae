import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { cp, mkdir, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava, { type ExecutionContext } from 'ava';
import { Agent } from '@holdfast/agent';
import {
  Journal,
  checkStore,
  createStore,
  entryKey,
  inspectStore,
  metaKey,
  openDataDir,
  openExisting,
  openStore,
  sha256,
  storeRows,
  systemClock,
} from '@holdfast/agent/internal';
import { codeOf, decodeEntry, lanes, type Log } from '@holdfast/protocol';
import { damageRows, damageStore } from '../support/damage.ts';
import {
  dieOn,
  entriesOf,
  errand,
  executed,
  liveOn,
  useSmallTables,
  type KnownEntry,
} from '../support/lived-store.ts';
import { holdfast } from '../support/holdfast-cli.ts';
import { tempDir } from '../support/temp-dir.ts';

/** A run over many seeds: `DAMAGE_SEEDS=1000 npx ava test/dist/fault/damage.test.js`. */
const SEEDS = Number(process.env['DAMAGE_SEEDS'] ?? 40);
const FIRST = Number(process.env['DAMAGE_FIRST'] ?? 0);
const STARTS = 4;

await useSmallTables();

/** One after another: they count which steps this process executes. */
const test = ava.serial;

interface Template {
  readonly dir: string;
  readonly starts: number;
  readonly entries: readonly KnownEntry[];
  /** Steps that had resolved, `run/step`. */
  readonly resolved: ReadonlySet<string>;
  /** Rows of entries that each file holds, by `lane seq`. */
  readonly holds: ReadonlyMap<string, ReadonlyMap<string, string>>;
}

/** @param isKilled The last process on it did not end in order. */
async function makeTemplate(dir: string, isKilled: boolean): Promise<Template> {
  const lived = isKilled ? `${dir}-alive` : dir;
  await liveOn(lived, STARTS, 100);
  if (isKilled) await dieOn(lived, dir, STARTS);
  // Of a copy: to look into a store would put all that is in its log into a table.
  const copy = `${dir}-read`;
  await cp(dir, copy, { recursive: true });
  const entries = await entriesOf(copy);
  const starts = STARTS + (isKilled ? 1 : 0);
  const holds = await entryRows(dir);
  return { dir, starts, entries, resolved: new Set(entries.flatMap(stepOf)), holds };
}

function stepOf({ bytes }: KnownEntry): string[] {
  const entry = decodeEntry(Buffer.from(bytes, 'base64'));
  return entry.kind === 'step.completed' ? [`${entry.run}/${entry.name}`] : [];
}

/** What can be read of entries in each file, damaged or not. */
async function entryRows(dir: string): Promise<Map<string, Map<string, string>>> {
  const found = new Map<string, Map<string, string>>();
  for await (const { name, rows } of storeRows(join(dir, 'store'))) {
    const held = rows.flatMap(({ key, value }) => {
      const isEntry = key[0] === 0x65 && value !== undefined;
      return isEntry ? [[placeOf(key), Buffer.from(value).toString('base64')] as const] : [];
    });
    found.set(name, new Map(held));
  }
  return found;
}

function placeOf(key: Uint8Array): string {
  return `${lanes[key[1] ?? 9]} ${Buffer.from(key).readUIntBE(2, 6)}`;
}

/** Opens what is left, has it journal something, and lets the waiting runs go on. */
async function startOn(dir: string) {
  const told: string[] = [];
  const note = (message: string): void => void told.push(message);
  const log: Log = { error: note, info: note, debug: () => {} };
  const options = { dataDir: dir, device: 'd1', workflows: [errand], log };
  executed.length = 0;
  const agent = await Agent.open(options);
  const doubts = new Set<string>();
  try {
    await agent.emit('after', {}, { lane: 'bulk' });
    const ends = new Map<string, string>();
    for (const { id, state } of (await agent.runs({ all: true, limit: 1_000 })).runs) {
      const run = await agent.run(id);
      if (state !== 'completed') await run.signal('go').catch(() => {});
      const end = await Promise.race([run.result(), stuck(agent, id)]).catch(codeOf);
      ends.set(id, Array.isArray(end) ? 'completed' : String(end));
      if ((await run.status()).error?.code === 'HF_RUN_IN_DOUBT') doubts.add(id);
    }
    return { told, ends, doubts, status: await agent.status(), executed: [...executed] };
  } finally {
    await agent.close();
  }
}

async function stuck(agent: Agent, id: string): Promise<string> {
  for (;;) {
    const { runs } = await agent.runs({ limit: 1_000 });
    const run = runs.find((each) => each.id === id);
    if (run?.state === 'stuck') return 'stuck';
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

interface Trial {
  readonly dir: string;
  /** What was done to it, for people. */
  readonly name: string;
  /** Entries that were changed where no check sum of a file tells, `lane seq`. */
  readonly changed: ReadonlySet<string>;
}

type Fate = 'harmless' | 'torn' | 'salvaged' | 'mended';

async function checkSurvival(
  t: ExecutionContext,
  template: Template,
  { dir, name, changed }: Trial,
): Promise<{ readonly fate: Fate; readonly inDoubt: number }> {
  const readable = await entryRows(dir);
  const after = await startOn(dir).catch((error: unknown) => {
    throw new Error(`${name}: it does not start`, { cause: error });
  });
  const problem = after.status.problems.find(({ code }) => code === 'HF_STORE_SALVAGED');
  const mended = changed.size > 0 && problem === undefined ? await drained(dir) : 0;
  const entries = await entriesOf(dir);
  const left = new Set(entries.map(({ lane, bytes }) => `${lane} ${bytes}`));
  const missing = template.entries.filter(({ lane, bytes }) => !left.has(`${lane} ${bytes}`));

  // What can be read is there, wherever it lay.
  const lost = new Set(missing.map(({ lane, seq }) => `${lane} ${seq}`));
  const rows = [...template.holds.values()].flatMap((held) => [...held]);
  const whole = new Map(rows.filter(([place]) => !changed.has(place)));
  for (const held of readable.values()) {
    const gone = [...held].filter(([place, row]) => lost.has(place) && whole.get(place) === row);
    t.deepEqual(gone, [], `${name}: neighbours are lost`);
  }
  // What is gone is told.
  const isTorn = after.told.includes('the last write was cut off');
  const isTold = problem !== undefined || isTorn || mended === missing.length;
  t.true(missing.length === 0 || isTold, `${name}: ${missing.length} entries gone in silence`);
  if (problem !== undefined) {
    const kept = Number(/(\d+) entries kept/.exec(problem.message)?.[1]);
    t.is(kept, template.entries.length - missing.length, name);
    t.is(entries.filter(({ lane }) => lane === 'urgent').length > 0, true, name);
  }
  // What is told is what is there, whatever happened to it.
  const { mismatches } = await checkStore(dir);
  t.deepEqual(mismatches, [], name);
  // Nothing is done twice but what was cut off with the last write, which is told.
  const again = after.executed.filter((step) => template.resolved.has(step));
  if (!isTorn) t.deepEqual(again, [], `${name}: steps are repeated`);
  // Runs whose history is whole go on; the others need a person, as do those that nobody knows of.
  const harmed = new Set(missing.flatMap(({ bytes }) => runsIn(bytes)));
  let inDoubt = 0;
  for (let start = 0; start < template.starts; start += 1) {
    for (let n = 0; n < 6; n += 1) {
      const id = `errand-${start}-${n}`;
      if (harmed.has(id)) continue;
      const isInDoubt = after.doubts.has(id);
      inDoubt += isInDoubt ? 1 : 0;
      t.is(after.ends.get(id), isInDoubt ? 'stuck' : 'completed', `${name}: ${id}`);
      const done = after.executed.filter((each) => each.startsWith(`${id}/`));
      t.deepEqual(done, n % 2 === 0 && !isInDoubt ? [`${id}/third`] : [], `${name}: ${id}`);
    }
  }
  t.true(inDoubt === 0 || harmed.size + missing.length > 0, `${name}: doubts without a loss`);
  const fate = problem ? 'salvaged' : isTorn ? 'torn' : mended > 0 ? 'mended' : 'harmless';
  return { fate, inDoubt };
}

/** As when the ledger is told of them: entries that are not what was journaled give way. */
async function drained(dir: string): Promise<number> {
  const { device, epoch, store, release } = await openDataDir(dir, { device: 'd1' });
  try {
    const options = { device, epoch, boot: 1, store, sha256, clock: systemClock };
    return await (await Journal.open(options)).mend();
  } finally {
    await release();
  }
}

/** The runs that an entry may be of: their ids stand in it as they are. */
function runsIn(bytes: string): string[] {
  return (
    Buffer.from(bytes, 'base64')
      .toString('latin1')
      .match(/errand-\d-\d/g) ?? []
  );
}

test('damage anywhere keeps no agent from starting, nor loses in silence', async (t) => {
  t.timeout(SEEDS * 10_000);
  const root = await tempDir(t);
  const ended = await makeTemplate(join(root, 'ended'), false);
  const killed = await makeTemplate(join(root, 'killed'), true);
  const fates: Record<Fate, number> = { harmless: 0, torn: 0, salvaged: 0, mended: 0 };
  let inDoubt = 0;
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const template = seed % 2 === 0 ? ended : killed;
    const dir = join(root, `seed-${seed}`);
    await cp(template.dir, dir, { recursive: true });
    const trial = await harm(dir, seed);
    const name = `seed ${seed}, ${template === killed ? 'killed, ' : ''}${trial.name}`;
    const survived = await checkSurvival(t, template, { ...trial, dir, name });
    fates[survived.fate] += 1;
    inDoubt += survived.inDoubt;
    await rm(dir, { recursive: true });
  }
  t.log(JSON.stringify({ ...fates, inDoubt }));
  t.true(fates.harmless > 0 && fates.salvaged > 0 && fates.mended > 0, 'it was of all kinds');
});

async function harm(dir: string, seed: number): Promise<Omit<Trial, 'dir'>> {
  const store = join(dir, 'store');
  if (seed % 5 !== 3) return { name: (await damageStore(store, seed)).what, changed: new Set() };
  const places = (await damageRows(store, seed)).map(placeOf);
  return { name: `changed ${places.join(', ')}`, changed: new Set(places) };
}

/** Every file below a directory, with its bytes. */
function contents(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true });
  const paths = names
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => {
      return join(parentPath, name).slice(dir.length);
    });
  return Object.fromEntries(paths.map((path) => [path, readFileSync(join(dir, path), 'base64')]));
}

async function copyOf(t: ExecutionContext, starts = 1): Promise<string> {
  const dir = await tempDir(t);
  await liveOn(dir, starts);
  return dir;
}

function movedAside(dir: string): string {
  const [name = 'nothing', ...others] = readdirSync(dir).filter((each) => each.includes('.bad-'));
  return others.length === 0 ? join(dir, name) : 'several';
}

async function epochOf(dir: string): Promise<number> {
  const { epoch, release } = await openDataDir(dir, { device: 'd1' });
  await release();
  return epoch;
}

test('a store of something else is moved aside untouched, and the agent starts', async (t) => {
  const row = { kind: 'put', key: Uint8Array.of(1), value: Uint8Array.of(2) } as const;
  const makers: Record<string, (path: string) => Promise<unknown>> = {
    'another program': async (path) => (await createStore(path, [row])).close(),
    'another device': async (path) => {
      const other = await tempDir(t);
      await (await openDataDir(other, { device: 'd2' })).release();
      await rename(join(other, 'store'), path);
    },
    'an empty directory': (path) => mkdir(path),
    'a file': (path) => writeFile(path, 'hello'),
    'a link to nowhere': (path) => symlink(join(path, 'nowhere'), path),
    'RocksDB, by its files': async (path) => {
      await mkdir(path);
      await writeFile(join(path, 'CURRENT'), 'MANIFEST-000004\n');
      await writeFile(join(path, 'MANIFEST-000004'), Buffer.alloc(4_000, 'rocksdb'));
      await writeFile(join(path, '000005.sst'), Buffer.alloc(9_000, 7));
    },
  };
  const noDirectories = new Set(['a file', 'a link to nowhere']);
  for (const [name, make] of Object.entries(makers)) {
    // A directory that had no journal of ours, too.
    const empty = await tempDir(t);
    await make(join(empty, 'store'));
    if (name !== 'another device') t.true((await epochOf(empty)) > 1, name);
    const dir = await copyOf(t);
    await rm(join(dir, 'store'), { recursive: true });
    await make(join(dir, 'store'));
    const before = noDirectories.has(name) ? {} : contents(join(dir, 'store'));

    const { status } = await startOn(dir);

    t.is(status.epoch, 2, name);
    t.is(status.problems[0]?.code, 'HF_STORE_SALVAGED', name);
    const message = status.problems[0]?.message ?? '';
    t.regex(message, / 0 entries kept, 36 lost \(urgent 1-6, normal 1-24, bulk 1-6\)/, name);
    if (!noDirectories.has(name)) t.deepEqual(contents(movedAside(dir)), before, name);
  }
});

test('L3 a byte that has changed costs the entries it was in, and no more', async (t) => {
  for (const kind of ['.log', '.ldb']) {
    const dir = await tempDir(t);
    await liveOn(dir, 2, 100);
    const copy = `${dir}-read`;
    await cp(dir, copy, { recursive: true });
    const before = await entriesOf(copy);
    await rm(copy, { recursive: true });
    const store = join(dir, 'store');
    const sizeOf = (name: string): number => statSync(join(store, name)).size;
    const files = readdirSync(store).filter((name) => name.endsWith(kind));
    const [largest = ''] = files.toSorted((a, b) => sizeOf(b) - sizeOf(a));
    const bytes = readFileSync(join(store, largest));
    const at = kind === '.log' ? bytes.byteLength >> 1 : 2_000;
    bytes[at] = (bytes[at] ?? 0) ^ 4;
    await writeFile(join(store, largest), bytes);

    const { salvage, release } = await openDataDir(dir, { device: 'd1' });
    await release();

    const { entriesKept = 0, entriesLost = 0 } = salvage ?? {};
    t.regex(salvage?.why ?? 'none', /is damaged/, kind);
    t.is(entriesKept + entriesLost, before.length, kind);
    t.true(entriesLost > 0 && entriesLost < before.length / 3, `${kind}: ${entriesLost}`);
  }
});

test('files that LevelDB makes anew may be anything', async (t) => {
  const dir = await copyOf(t);
  for (const name of ['LOCK', 'LOG', 'LOG.old']) {
    await writeFile(join(dir, 'store', name), Buffer.alloc(4_096));
  }
  await rm(join(dir, 'store', 'LOG'));

  const { status } = await startOn(dir);

  t.deepEqual([status.epoch, status.problems], [1, []]);
});

test('a CURRENT that is gone, and an edit that is torn, cost nothing', async (t) => {
  const dir = await copyOf(t);
  const before = await entriesOf(dir);
  const store = join(dir, 'store');
  const manifest = readdirSync(store).find((name) => name.startsWith('MANIFEST')) ?? '';
  const torn = Buffer.concat([readFileSync(join(store, manifest)), Buffer.alloc(60, 7)]);
  await writeFile(join(store, manifest), torn);
  await rm(join(store, 'CURRENT'));

  t.deepEqual(await entriesOf(dir), before);
  t.is(await epochOf(dir), 1);
});

test('an identity that is torn is read from the store, damaged or not', async (t) => {
  const dir = await copyOf(t);
  await writeFile(join(dir, 'device.json'), '{"format":1,"devi');
  const whole = await openDataDir(dir);
  await whole.release();
  await rm(join(dir, 'device.json'));
  await rm(join(dir, 'store', 'CURRENT'));
  await truncate(join(dir, 'store', 'LOG'), 0);
  for (const name of readdirSync(join(dir, 'store'))) {
    if (name.startsWith('MANIFEST')) await rm(join(dir, 'store', name));
  }
  const damaged = await openDataDir(dir);
  await damaged.release();

  t.deepEqual([whole.device, whole.epoch], ['d1', 1]);
  t.deepEqual([damaged.device, damaged.epoch], ['d1', 2]);
});

test('L9 a salvage that is cut off anywhere is made again or completed', async (t) => {
  const dir = await copyOf(t);
  const before = await entriesOf(dir);
  const manifest = readdirSync(join(dir, 'store')).find((name) => name.startsWith('MANIFEST'));
  await rm(join(dir, 'store', manifest ?? ''));
  const damaged = join(await tempDir(t), 'damaged');
  await cp(dir, damaged, { recursive: true });
  await epochOf(dir);
  const cuts: Record<string, () => Promise<void>> = {
    'while it was filled': async () => {
      await mkdir(join(damaged, 'store.salvaged.new'));
      await mkdir(join(damaged, 'store.scratch'));
    },
    'before the old one was moved': () =>
      cp(join(dir, 'store'), join(damaged, 'store.salvaged'), { recursive: true }),
    'before the new one was moved': async () => {
      await cp(join(dir, 'store'), join(damaged, 'store.salvaged'), { recursive: true });
      await rename(join(damaged, 'store'), movedAside(dir).replace(dir, damaged));
    },
  };
  for (const [name, cut] of Object.entries(cuts)) {
    const copy = join(await tempDir(t), 'copy');
    await cp(damaged, copy, { recursive: true });
    await cut();
    const { recreated, salvage, release } = await openDataDir(damaged, { device: 'd1' });
    await release();

    t.deepEqual([recreated, salvage?.entriesKept], [false, before.length], name);
    t.true(existsSync(movedAside(damaged)), name);
    t.deepEqual(
      readdirSync(damaged).filter((each) => /salvaged|scratch/.test(each)),
      [],
      name,
    );
    await rm(damaged, { recursive: true });
    await rename(copy, damaged);
  }
});

test('the ledger hears what was lost, in the urgent lane', async (t) => {
  const dir = await copyOf(t, 2);
  const store = join(dir, 'store');
  const before = await entriesOf(dir);
  const logs = readdirSync(store).filter((name) => name.endsWith('.log'));
  for (const name of logs) await rm(join(store, name));
  const tables = readdirSync(store).filter((name) => name.endsWith('.ldb'));
  const sizeOf = (name: string): number => statSync(join(store, name)).size;
  const [largest = ''] = tables.toSorted((a, b) => sizeOf(b) - sizeOf(a));
  await rm(join(store, largest));

  await epochOf(dir);

  const entries = await entriesOf(dir);
  const kept = entries.length - 1;
  const last = entries.findLast(({ lane }) => lane === 'urgent');
  const told = decodeEntry(Buffer.from(last?.bytes ?? '', 'base64'));
  const losses = before.length - kept;
  if (told.kind !== 'epoch.began') return t.fail(told.kind);
  t.true(losses > 0);
  t.like(told, { oldEpoch: 1, entriesKept: kept, entriesLost: losses });
  t.regex(told.why, /is missing; lost: urgent \d+-\d+, normal \d+-\d+, bulk \d+-\d+$/);
});

test('the problem is over once nobody keeps the old store any more', async (t) => {
  const dir = await copyOf(t);
  await rm(join(dir, 'store', 'CURRENT'));
  await writeFile(join(dir, 'store', 'MANIFEST-000999'), 'not one');
  const first = await startOn(dir);
  const second = await startOn(dir);
  await rm(movedAside(dir), { recursive: true });
  const third = await startOn(dir);

  t.deepEqual(
    [first, second, third].map(({ status }) => status.problems.length),
    [1, 1, 0],
  );
  t.deepEqual(
    [first, second, third].map(({ status }) => status.epoch),
    [2, 2, 2],
  );
});

test('what is only read is not salvaged', async (t) => {
  const dir = await copyOf(t);
  await writeFile(join(dir, 'store', 'CURRENT'), 'nothing');
  await writeFile(join(dir, 'store', 'MANIFEST-000999'), 'not one');
  const before = contents(dir);

  t.is(await openExisting(dir).catch(codeOf), 'HF_STORE_DAMAGED');
  t.deepEqual(contents(dir), before);
});

test('a run whose record cannot be read is rebuilt from its entries', async (t) => {
  const dir = await copyOf(t);
  const store = await openStore(join(dir, 'store'));
  const range = { from: Uint8Array.of(0x6f), to: Uint8Array.of(0x70), limit: 10 };
  const open = await store.scan(range);
  await store.write(open.map(({ key }) => ({ kind: 'put', key, value: Uint8Array.of(1, 2) })));
  await store.close();

  const { ends, status, executed: again } = await startOn(dir);

  t.is(open.length, 3);
  t.is(status.epoch, 2);
  t.deepEqual(
    [...ends.values()],
    Array.from({ length: 6 }, () => 'completed'),
  );
  t.deepEqual(again.toSorted(), ['errand-0-0/third', 'errand-0-2/third', 'errand-0-4/third']);
});

test('damage that is found while the journal is read is salvaged by the next start', async (t) => {
  const dir = await tempDir(t);
  const open = async (onDamage: (error: unknown) => void) => {
    const held = await openDataDir(dir, { device: 'd1' });
    const { device, epoch, store } = held;
    const options = { device, epoch, boot: 1, store, sha256, clock: systemClock, onDamage };
    return { held, journal: await Journal.open(options) };
  };
  const told: unknown[] = [];
  const first = await open((error) => told.push(codeOf(error)));
  const receipt = { kind: 'command.receipt', outcome: 'applied', reason: '', key: '' } as const;
  for (let n = 1; n <= 100; n += 1) {
    await first.journal.append([{ lane: 'urgent', body: { ...receipt, command: n } }]);
  }
  await first.held.store.write([{ kind: 'delete', key: entryKey('urgent', 3) }]);
  const limits = { entriesMax: 10, bytesMax: 100_000 };
  t.is(await first.journal.read('urgent', 3, limits).catch(codeOf), 'HF_ENTRY_DAMAGED');
  await first.held.end({ cause: 'salvaged', why: 'an entry was gone', above: 0 });
  await first.held.release();
  const second = await open(() => {});
  await second.held.release();

  t.deepEqual(told, ['HF_ENTRY_DAMAGED']);
  t.is(second.held.epoch, 2);
  t.like(second.held.salvage, { why: 'an entry was gone', lost: 'urgent 3', entriesKept: 99 });
});

test('journal verify names the entry that is not what was journaled', async (t) => {
  const dir = await copyOf(t);
  const verify = async (): Promise<readonly [number | null, string]> => {
    const { code, stdout } = await holdfast(['journal', 'verify', '--data-dir', dir]);
    return [code, stdout.trim()];
  };
  const [code, whole] = await verify();
  const store = await openStore(join(dir, 'store'));
  const key = entryKey('normal', 5);
  const value = await store.get(key);
  value?.set([1], value.byteLength - 1);
  await store.write([
    { kind: 'put', key, value: value ?? key },
    { kind: 'delete', key: entryKey('bulk', 2) },
  ]);
  await store.close();
  const [failed, faults] = await verify();
  await rm(join(dir, 'store', 'CURRENT'));
  await writeFile(join(dir, 'store', 'MANIFEST-000999'), 'not one');
  const [unreadable, damaged] = await verify();

  t.deepEqual([code, whole], [0, '✓ 36 entries in 3 lanes: every chain is whole.']);
  t.is(failed, 1);
  t.regex(faults, /^✗ 35 entries in 3 lanes: 2 faults\./);
  t.regex(faults, /normal +5 +is not the entry that was journaled/);
  t.regex(faults, /bulk +2 +is missing/);
  t.is(unreadable, 1);
  t.regex(damaged, /^✗ The store is damaged: .*CURRENT does not name one of its MANIFESTs\.$/);
});

test('a table that ends the process is found once three processes have ended', async (t) => {
  const dir = await copyOf(t, 2);
  const key = metaKey('holdfast');
  const store = join(dir, 'store');
  const looks = async () => (await inspectStore(store, { key, isThorough: true })).kind;
  t.is(await looks(), 'sound');
  const [table = ''] = readdirSync(store).filter((name) => name.endsWith('.ldb'));
  const bytes = readFileSync(join(store, table));
  bytes[100] = (bytes[100] ?? 0) ^ 1;
  await writeFile(join(store, table), bytes);

  t.is(await looks(), 'odd');
});
