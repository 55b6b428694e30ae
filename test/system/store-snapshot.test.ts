import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { Agent } from '@holdfast/agent';
import { holdfast } from '../support/holdfast-cli.ts';
import { entriesOf, errand, liveOn } from '../support/lived-store.ts';
import { tempDir } from '../support/temp-dir.ts';

type Json = Readonly<Record<string, unknown>>;
const json = (text: string): Json => JSON.parse(text) as Json;

const linesOf = (text: string): Json[] => text.trimEnd().split('\n').map(json);

const storeKey = new Uint8Array(32).fill(9);

function openAgent(dataDir: string, sealed = false): Promise<Agent> {
  const key = sealed ? { storeKey } : {};
  return Agent.open({ dataDir, device: 'd1', workflows: [errand], socket: true, ...key });
}

/** Every file below a directory, with its bytes. */
function contents(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'base64')]));
}

async function snapshotOf(t: ExecutionContext, dir: string): Promise<string> {
  const file = join(await tempDir(t), 'it.snapshot');
  const { code, stderr } = await holdfast(['store', 'snapshot', file, '--data-dir', dir]);
  t.is(code, 0, stderr);
  return file;
}

test('a snapshot of a running agent has all that was durable, and none of what came', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1, 40);
  const agent = await openAgent(dir);
  await agent.emit('before', 1);
  let count = 0;
  const over = new AbortController();
  const busy = (async () => {
    // One after the other: the agent is to be at work while the snapshot is taken.
    for (; !over.signal.aborted; count += 1) await agent.emit('meanwhile', count);
  })();
  const file = join(await tempDir(t), 'it.snapshot');
  const args = ['store', 'snapshot', file, '--data-dir', dir, '-o', 'json'];
  const { code, stdout, stderr } = await holdfast(args);
  over.abort();
  await busy;
  await agent.emit('after', 1);
  await agent.close();
  const restored = join(await tempDir(t), 'restored');
  t.is((await holdfast(['store', 'restore', file, '--data-dir', restored])).code, 0);
  const checked = json(
    (await holdfast(['store', 'salvage', join(restored, 'store')])).stderr.split('\n')[0] ?? '',
  );
  const { stdout: lines } = await holdfast(['store', 'salvage', join(restored, 'store')]);
  const names = lines.match(/"name":"(?:before|meanwhile|after)"/g) ?? [];

  t.is(code, 0, stderr);
  t.like(json(stdout), {
    ...{ schema: 'holdfast.store-snapshot/1', file, device: 'd1', epoch: 1, encrypted: false },
  });
  t.like(checked, { changed: [], missing: [], damagedFiles: [] });
  t.is(names.filter((name) => name.includes('before')).length, 1);
  t.is(names.filter((name) => name.includes('after')).length, 0);
  t.true(names.length - 1 <= count);
});

test('what was restored goes on in a new epoch, and what was there is moved aside', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1);
  const file = await snapshotOf(t, dir);
  const known = (await entriesOf(dir)).map(({ lane, bytes }) => `${lane} ${bytes}`);
  const later = await openAgent(dir);
  const run = await later.run('errand-0-0');
  await run.signal('go');
  await run.result();
  await later.close();
  const before = contents(dir);
  const restore = ['store', 'restore', file, '--data-dir', dir];

  const refused = await holdfast(restore);
  t.is(refused.code, 6);
  t.regex(refused.stderr, /HF_STORE_THERE/);
  t.deepEqual(contents(dir), before);
  const replaced = await holdfast([...restore, '--replace', '-o', 'json']);
  const { movedTo } = json(replaced.stdout);
  t.true(existsSync(join(dir, String(movedTo), 'CURRENT')));
  const agent = await openAgent(dir);
  const { epoch, problems } = await agent.status();
  const waiting = await agent.run('errand-0-0');
  t.is(await waiting.status().then(({ state }) => state), 'waiting-signal');
  await waiting.signal('go');
  await waiting.result();
  await agent.close();
  t.is(epoch, 2);
  // It was not damaged, and nobody has to do anything about it.
  t.deepEqual(problems.map(({ code }) => code), ['HF_STORE_RESTORED']);
  t.true(readdirSync(dir).some((name) => name.startsWith('store.restored-')));
  const began = linesOf((await holdfast(['store', 'export', '--data-dir', dir])).stdout)
    .map(({ entry }) => entry as Json)
    .filter(({ kind }) => kind === 'epoch.began');
  t.like(began, { length: 1, 0: { cause: 'restored', oldEpoch: 1 } });
  const now = new Set((await entriesOf(dir)).map(({ lane, bytes }) => `${lane} ${bytes}`));
  t.deepEqual(known.filter((entry) => !now.has(entry)), []);
});

test('a snapshot of an encrypted store stays encrypted, and needs its key', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1, 0, storeKey);
  const keyFile = join(await tempDir(t), 'key');
  await writeFile(keyFile, storeKey, { mode: 0o600 });
  const file = join(await tempDir(t), 'it.snapshot');
  const agent = await openAgent(dir, true);
  t.is((await holdfast(['store', 'snapshot', file, '--data-dir', dir])).code, 0);
  await agent.close();
  const restored = join(await tempDir(t), 'restored');
  t.is((await holdfast(['store', 'restore', file, '--data-dir', restored])).code, 0);

  t.false(/errand|first of/.test(readFileSync(file, 'latin1')));
  const status = ['status', '--data-dir', restored];
  t.is((await holdfast(status)).code, 78);
  const reopened = await openAgent(restored, true);
  t.is(await reopened.run('errand-0-1').then((run) => run.id), 'errand-0-1');
  await reopened.close();
});

test('a store that was not encrypted is, once its snapshot is restored with a key', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1);
  const file = await snapshotOf(t, dir);
  const keyFile = join(await tempDir(t), 'key');
  await writeFile(keyFile, storeKey, { mode: 0o600 });
  const restored = join(await tempDir(t), 'restored');
  const restore = ['store', 'restore', file, '--data-dir', restored];
  const { code, stderr } = await holdfast([...restore, '--store-key-file', keyFile]);

  t.is(code, 0, stderr);
  t.is((await holdfast(['status', '--data-dir', restored])).code, 78);
  const agent = await openAgent(restored, true);
  const waiting = await agent.run('errand-0-0');
  await waiting.signal('go');
  t.is(((await waiting.result()) as unknown[]).length, 3);
  await agent.close();
  const files = Object.values(contents(restored)).map((each) => Buffer.from(each, 'base64'));
  t.false(files.some((bytes) => /errand|first of/.test(bytes.toString('latin1'))));
});

test('a snapshot that is cut or changed is refused, and nothing was touched', async (t) => {
  const dir = await tempDir(t);
  await liveOn(dir, 1);
  const file = await snapshotOf(t, dir);
  const whole = readFileSync(file);
  const before = contents(dir);
  const bad = join(await tempDir(t), 'bad.snapshot');
  const restore = ['store', 'restore', bad, '--data-dir', dir, '--replace'];
  const flipped = Buffer.from(whole);
  const middle = Math.floor(whole.length / 2);
  flipped[middle] = (flipped[middle] ?? 0) ^ 1;
  const cases: readonly (readonly [what: string, bytes: Uint8Array])[] = [
    ['empty', Buffer.alloc(0)],
    ['its first byte', whole.subarray(0, 1)],
    ['half of it', whole.subarray(0, middle)],
    ['all but its last byte', whole.subarray(0, -1)],
    ['one byte more', Buffer.concat([whole, Buffer.of(0)])],
    ['a bit of it changed', flipped],
    ['a text', Buffer.from('{"schema":"holdfast.snapshot/1"}\n')],
  ];
  for (const [what, bytes] of cases) {
    await writeFile(bad, bytes);
    const { code, stderr } = await holdfast(restore);
    t.is(code, 1, what);
    t.regex(stderr, /^error: .+ \(HF_SNAPSHOT_INVALID\)\n {2}cause: .+\n {2}hint: .+\n$/, what);
    t.deepEqual(withoutLeftovers(contents(dir)), before, what);
  }
  await writeFile(bad, String(whole).replace('holdfast.snapshot/1', 'holdfast.snapshot/2'));
  t.is((await holdfast(restore)).code, 78);
  t.is((await holdfast(['store', 'snapshot', file, '--data-dir', dir])).code, 2);
  t.is((await holdfast(['store', 'restore', `${file}.none`, '--data-dir', dir])).code, 1);
  const other = await tempDir(t);
  await (await Agent.open({ dataDir: other, device: 'd2', workflows: [] })).close();
  const foreign = await holdfast(['store', 'restore', file, '--data-dir', other, '--replace']);
  t.is(foreign.code, 78);
  t.regex(foreign.stderr, /HF_DATA_DIR_OTHER_DEVICE/);
  const running = await openAgent(dir);
  t.is((await holdfast(['store', 'restore', file, '--data-dir', dir, '--replace'])).code, 6);
  await running.close();
});

/** A store that was being made is made again when it is needed. */
function withoutLeftovers(files: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(files).filter(([path]) => !/\.new\//.test(path)));
}
