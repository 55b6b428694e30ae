import { readdirSync, readFileSync } from 'node:fs';
import { cp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import ava, { type ExecutionContext } from 'ava';
import { Agent } from '@holdfast/agent';
import {
  configKey,
  openCipher,
  openDataDir,
  openExisting,
  openStore,
  type Migration,
} from '@holdfast/agent/internal';
import { codeOf, hex } from '@holdfast/protocol';
import { holdfast } from '../support/holdfast-cli.ts';
import { entriesOf, errand, liveOn } from '../support/lived-store.ts';
import { makeOld, oldMigration, rowsOf, setFormat } from '../support/old-store.ts';
import { Disk } from '../support/power/disk.ts';
import { compileRecorder, record } from '../support/power/record.ts';
import { hasProgram } from '../support/program.ts';
import { SimChance } from '../support/sim-chance.ts';
import { tempDir } from '../support/temp-dir.ts';

const CUTS = Math.ceil(Number(process.env['POWER_CUTS'] ?? 40) * 0.6);
const test = ava.serial;
const migrations = [oldMigration];
const device = 'd1';
const storeKey = new Uint8Array(32).fill(5);

const code = (promise: Promise<unknown>): Promise<unknown> => promise.then(() => 'done', codeOf);
const aside = (dir: string): string[] => readdirSync(dir).filter((name) => /^store\.\w/.test(name));

/** Every file below a directory, with its bytes. */
function contents(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'base64')]));
}

/** A data directory of the old format, and the rows that a migration is to make of it. */
async function old(t: ExecutionContext) {
  const dir = await tempDir(t);
  await liveOn(dir, 1);
  return { dir, rows: await makeOld(dir) };
}

test('a start migrates an older store, keeps it beside, and runs go on', async (t) => {
  const { dir, rows } = await old(t);
  const before = await openStore(join(dir, 'store'));
  const oldRows = await rowsOf(before);
  await before.close();
  const told: (readonly [rows: number, of: number | undefined])[] = [];
  const progress = (done: number, of?: number): void => void told.push([done, of]);
  const opened = await openDataDir(dir, { device, migrations, progress });
  t.deepEqual(await rowsOf(opened.store), rows);
  t.deepEqual(told.at(-1), [oldRows.length, oldRows.length], 'how far it is was told');
  t.is(opened.epoch, 1);
  await opened.release();

  const [kept = ''] = aside(dir).filter((name) => name.startsWith('store.format-0-'));
  t.deepEqual(opened.migration, { from: 0, movedTo: kept });
  const snapshot = await openStore(join(dir, kept));
  t.deepEqual(await rowsOf(snapshot), oldRows);
  await snapshot.close();
  const agent = await Agent.open({ dataDir: dir, device, workflows: [errand] });
  const run = await agent.run('errand-0-0');
  await run.signal('go');
  t.is(((await run.result()) as unknown[]).length, 3);
  await agent.close();
  t.is((await holdfast(['store', 'check', '--data-dir', dir])).code, 0);
});

test('an encrypted store is migrated into one', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1, 0, storeKey);
  const rows = await makeOld(dir, openCipher(dir, storeKey));
  const opened = await openDataDir(dir, { device, storeKey, migrations });
  t.deepEqual(await rowsOf(opened.store), rows);
  await opened.release();

  t.is(await code(openExisting(dir)), 'HF_STORE_KEY');
  const files = Object.values(contents(dir)).map((each) => Buffer.from(each, 'base64'));
  t.false(files.some((bytes) => /errand|first of/.test(bytes.toString('latin1'))));
});

test('a migration that was interrupted goes on where it was', async (t) => {
  const { dir, rows } = await old(t);
  let seen = 0;
  const limited = (max: number): Migration => ({
    from: 0,
    row(row) {
      seen += 1;
      if (seen > max) throw new Error('the process ends here');
      return oldMigration.row(row);
    },
  });
  await t.throwsAsync(openDataDir(dir, { device, migrations: [limited(rows.length + 30)] }));
  const total = seen;
  t.true(aside(dir).includes('store.migrating'));
  t.false(aside(dir).some((name) => name.startsWith('store.format-')));
  seen = 0;
  const opened = await openDataDir(dir, { device, migrations: [limited(100_000)] });
  t.deepEqual(await rowsOf(opened.store), rows);
  await opened.release();

  t.true(seen < total, `${seen} rows after ${total}`);
  t.deepEqual(aside(dir).filter((name) => !name.startsWith('store.format-')), ['store.heads']);
});

test('a migration begins anew where the old store has lived since it was cut off', async (t) => {
  const { dir, rows } = await old(t);
  let seen = 0;
  const cutOff: Migration = {
    from: 0,
    row(row) {
      seen += 1;
      if (seen > rows.length + 30) throw new Error('the process ends here');
      return oldMigration.row(row);
    },
  };
  await t.throwsAsync(openDataDir(dir, { device, migrations: [cutOff] }));
  t.true(aside(dir).includes('store.migrating'));
  // The old version has started again, and was set something, in a table that was copied already.
  const store = await openStore(join(dir, 'store'));
  const boot = rows.findLast(({ key }) => key[0] === 0x6b);
  if (boot === undefined) return t.fail();
  const lived = [
    { key: configKey('later'), value: Uint8Array.of(1) },
    { key: boot.key, value: Uint8Array.of(...boot.value.subarray(0, -1), 1) },
  ];
  await store.write(lived.map((row) => ({ kind: 'put', ...row })));
  await store.close();

  const opened = await openDataDir(dir, { device, migrations });
  const made = new Map((await rowsOf(opened.store)).map((row) => [hex(row.key), hex(row.value)]));
  await opened.release();

  for (const { key, value } of lived) t.is(made.get(hex(key)), hex(value));
});

/** A test that needs a C compiler. */
const powerTest = hasProgram('cc') ? test : test.skip;

powerTest('a power cut during a migration leaves a whole store (needs cc)', async (t) => {
  t.timeout(60_000 + CUTS * 3_000);
  const { dir: data, rows } = await old(t);
  const root = await tempDir(t);
  const [base, recorded] = [join(root, 'base'), join(root, 'recorded')];
  for (const each of [base, recorded]) await cp(data, join(each, 'data'), { recursive: true });
  const recorder = await compileRecorder(root);
  const { events } = await record(recorder, { task: 'migrate', dir: recorded, count: 0 });
  let finished = 0;
  for (let seed = 1; seed <= CUTS; seed += 1) {
    const chance = new SimChance(seed);
    const disk = await Disk.of(base, 'ordered');
    const at = Math.floor(chance.next() * (events.length + 1));
    for (const event of events.slice(0, at)) disk.take(event);
    const cut = join(root, `cut-${seed}`);
    await disk.cut(cut, chance);
    const opened = await openDataDir(join(cut, 'data'), { device, migrations });
    t.deepEqual(await rowsOf(opened.store), rows, `seed ${seed}, event ${at}`);
    t.deepEqual([opened.epoch, opened.recreated, opened.salvage], [1, false, undefined]);
    if (opened.migration === undefined) finished += 1;
    await opened.release();
    await rm(cut, { recursive: true });
  }
  t.log(`${CUTS} cuts in ${events.length} events, ${finished} behind the migration`);
});

test('a newer store, or one too old, is refused, and not a byte of it changes', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1);
  const refused = [
    [0, 'HF_STORE_OLDER'],
    [2, 'HF_STORE_FORMAT'],
  ] as const;
  for (const [format, error] of refused) {
    await setFormat(dir, format);
    const before = contents(dir);
    const agent = Agent.open({ dataDir: dir, device, workflows: [errand] });
    t.is(await code(agent), error);
    t.is(await code(openExisting(dir)), error);
    for (const args of ['status', 'store check', 'store export', 'store migrate']) {
      const ended = await holdfast([...args.split(' '), '--data-dir', dir]);
      t.is(ended.code, 78, args);
      t.true(ended.stderr.includes(error), `${args}: ${ended.stderr}`);
    }
    t.deepEqual(contents(dir), before);
  }
});

test('store migrate tells what it would do, and does nothing where there is nothing', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1);
  const before = contents(dir);
  const dry = await holdfast(['store', 'migrate', '--dry-run', '--data-dir', dir, '-o', 'json']);
  const done = await holdfast(['store', 'migrate', '--data-dir', dir]);

  t.like(JSON.parse(dry.stdout), {
    ...{ schema: 'holdfast.store-migrate/1', dataDir: dir, from: 1, to: 1, bytesNeeded: 0 },
    ...{ dryRun: true, movedTo: null },
  });
  t.is(done.stdout, 'The store has format 1, as this version: there is nothing to do.\n');
  t.deepEqual(contents(dir), before);
  t.is((await holdfast(['store', 'migrate', '--data-dir', join(dir, 'none')])).code, 3);
});

test('an older store that is damaged is salvaged as what it would have become', async (t) => {
  const { dir } = await old(t);
  const names = readdirSync(join(dir, 'store'));
  const manifest = names.find((name) => name.startsWith('MANIFEST')) ?? '';
  await writeFile(join(dir, 'store', manifest), '');
  const { epoch, release } = await openDataDir(dir, { device, migrations });
  await release();
  const agent = await Agent.open({ dataDir: dir, device, workflows: [errand] });
  const run = await agent.run('errand-0-0');
  await run.signal('go');

  t.is(epoch, 2);
  t.is(((await run.result()) as unknown[]).length, 3);
  await agent.close();
});

test('the store before a migration can be put back, and begins a new epoch', async (t) => {
  const { dir } = await old(t);
  const { migration, release } = await openDataDir(dir, { device, migrations });
  await release();
  const known = (await entriesOf(dir)).map(({ lane, bytes }) => `${lane} ${bytes}`);
  const agent = await Agent.open({ dataDir: dir, device, workflows: [errand] });
  await agent.emit('later', 1);
  await agent.close();
  await rename(join(dir, 'store'), join(dir, 'store.format-1'));
  await rename(join(dir, migration?.movedTo ?? ''), join(dir, 'store'));
  const back = await openDataDir(dir, { device, migrations });
  await back.release();

  t.is(back.epoch, 2);
  const now = new Set((await entriesOf(dir)).map(({ lane, bytes }) => `${lane} ${bytes}`));
  t.deepEqual(known.filter((entry) => !now.has(entry)), []);
});
