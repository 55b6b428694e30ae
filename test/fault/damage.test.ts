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
import { damageStore, type Damage } from '../support/damage.ts';
import {
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
  readonly entries: readonly KnownEntry[];
  /** Entries that each file holds, as `lane seq`. */
  readonly holds: ReadonlyMap<string, ReadonlySet<string>>;
}

async function makeTemplate(dir: string): Promise<Template> {
  await liveOn(dir, STARTS, 100);
  // Of a copy: to look into a store would put all that is in its log into a table.
  const copy = `${dir}-read`;
  await cp(dir, copy, { recursive: true });
  const entries = await entriesOf(copy);
  const holds = new Map<string, Set<string>>();
  for await (const { name, rows } of storeRows(join(dir, 'store'))) {
    const held = rows.filter(({ key, value }) => key[0] === 0x65 && value !== undefined);
    holds.set(name, new Set(held.map(({ key }) => placeOf(key))));
  }
  return { dir, entries, holds };
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
  try {
    await agent.emit('after', {}, { lane: 'bulk' });
    const ends = new Map<string, string>();
    for (const { id, state } of (await agent.runs({ all: true, limit: 1_000 })).runs) {
      const run = await agent.run(id);
      if (state !== 'completed') await run.signal('go').catch(() => {});
      const end = await Promise.race([run.result(), stuck(agent, id)]).catch(codeOf);
      ends.set(id, Array.isArray(end) ? 'completed' : String(end));
    }
    return { told, ends, status: await agent.status(), executed: [...executed] };
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

async function checkSurvival(
  t: ExecutionContext,
  template: Template,
  { dir, damage, name }: { readonly dir: string; readonly damage: Damage; readonly name: string },
): Promise<'harmless' | 'torn' | 'salvaged'> {
  const after = await startOn(dir).catch((error: unknown) => {
    throw new Error(`${name}: it does not start`, { cause: error });
  });
  const problem = after.status.problems.find(({ code }) => code === 'HF_STORE_SALVAGED');
  const entries = await entriesOf(dir);
  const left = new Set(entries.map(({ lane, bytes }) => `${lane} ${bytes}`));
  const missing = template.entries.filter(({ lane, bytes }) => !left.has(`${lane} ${bytes}`));

  // What an unharmed file holds is there.
  const lost = new Set(missing.map(({ lane, seq }) => `${lane} ${seq}`));
  for (const [file, places] of template.holds) {
    if (damage.files.includes(file)) continue;
    const gone = [...places].filter((place) => lost.has(place));
    t.deepEqual(gone, [], `${name}: ${file} was whole`);
  }
  // What is gone is told.
  const isTorn = after.told.includes('the last write was cut off');
  const isTold = problem !== undefined || isTorn;
  t.true(missing.length === 0 || isTold, `${name}: ${missing.length} entries gone in silence`);
  if (problem !== undefined) {
    const kept = Number(/(\d+) entries kept/.exec(problem.message)?.[1]);
    t.is(kept, template.entries.length - missing.length, name);
    t.is(entries.filter(({ lane }) => lane === 'urgent').length > 0, true, name);
  }
  // What is told is what is there, whatever happened to it.
  const { mismatches } = await checkStore(dir);
  t.deepEqual(mismatches, [], name);
  // Runs whose history is whole go on, and do nothing twice; the others need a person.
  const harmed = new Set(missing.flatMap(({ bytes }) => runsIn(bytes)));
  for (let start = 0; start < STARTS; start += 1) {
    for (let n = 0; n < 6; n += 1) {
      const id = `errand-${start}-${n}`;
      if (harmed.has(id)) continue;
      t.is(after.ends.get(id), 'completed', `${name}: ${id}`);
      const again = after.executed.filter((each) => each.startsWith(`${id}/`));
      t.deepEqual(again, n % 2 === 0 ? [`${id}/third`] : [], `${name}: ${id}`);
    }
  }
  return problem !== undefined ? 'salvaged' : isTorn ? 'torn' : 'harmless';
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
  const template = await makeTemplate(join(root, 'template'));
  const outcomes = { harmless: 0, torn: 0, salvaged: 0 };
  for (let seed = FIRST; seed < FIRST + SEEDS; seed += 1) {
    const dir = join(root, `seed-${seed}`);
    await cp(template.dir, dir, { recursive: true });
    const damage = await damageStore(join(dir, 'store'), seed);
    const name = `seed ${seed}, ${damage.what}`;
    outcomes[await checkSurvival(t, template, { dir, damage, name })] += 1;
    await rm(dir, { recursive: true });
  }
  t.log(JSON.stringify(outcomes));
  t.true(outcomes.harmless > 0 && outcomes.salvaged > 0, 'the damage was of all kinds');
});

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

test('an end of the log that is gone is missed, however cleanly it was cut', async (t) => {
  const dir = await copyOf(t);
  const before = await entriesOf(dir);
  const older = join(await tempDir(t), 'older');
  await cp(join(dir, 'store'), older, { recursive: true });
  await liveOn(dir, 1);
  await rm(join(dir, 'store'), { recursive: true });
  await rename(older, join(dir, 'store'));

  const { salvage, release } = await openDataDir(dir, { device: 'd1' });
  await release();

  t.is(salvage?.why, 'the end of lane urgent is missing');
  t.is(salvage?.entriesKept, before.length);
  t.is(salvage?.lost, 'urgent 7-12, bulk 7-12');
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
