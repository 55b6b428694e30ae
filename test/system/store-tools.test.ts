import { execFile } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import test, { type ExecutionContext } from 'ava';
import { Agent } from '@holdfast/agent';
import {
  Journal,
  entryKey,
  historyKey,
  openDataDir,
  openStore,
  runIdKey,
  sha256,
  systemClock,
} from '@holdfast/agent/internal';
import { HoldfastError } from '@holdfast/protocol';
import { holdfast, type Ended } from '../support/holdfast-cli.ts';
import { entriesOf, errand, liveOn, useSmallTables } from '../support/lived-store.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';

await useSmallTables();
const reader = fileURLToPath(new URL('../../second-reader/read_store.py', import.meta.url));

type Json = Readonly<Record<string, unknown>>;
const json = (text: string): Json => JSON.parse(text) as Json;
const linesOf = (text: string): Json[] => text.trimEnd().split('\n').map(json);

async function lived(t: ExecutionContext, starts = 2): Promise<string> {
  const dir = await tempDir(t);
  await liveOn(dir, starts, 40);
  return dir;
}

/** Every file below a directory, with its bytes. */
function contents(dir: string): Record<string, string> {
  const names = readdirSync(dir, { recursive: true, withFileTypes: true });
  const files = names.filter((each) => each.isFile());
  const paths = files.map((file) => join(file.parentPath, file.name));
  return Object.fromEntries(paths.map((path) => [path, readFileSync(path, 'base64')]));
}

function check(dir: string): Promise<Ended> {
  return holdfast(['store', 'check', '--data-dir', dir, '-o', 'json']);
}

function fileOf(dir: string, pattern: RegExp): string {
  const name = readdirSync(join(dir, 'store')).find((each) => pattern.test(each));
  return join(dir, 'store', name ?? 'none');
}

test('check finds nothing in a sound store, and counts what a scan counts', async (t) => {
  const dir = await lived(t);
  const { code, stdout, stderr } = await check(dir);
  const status = json((await holdfast(['status', '--data-dir', dir, '-o', 'json'])).stdout);
  const entries = await entriesOf(dir);

  t.is(code, 0, stderr);
  const found = json(stdout);
  t.deepEqual(found, {
    ...{ schema: 'holdfast.store-check/1', dataDir: dir, state: 'sound', why: null },
    isCopy: false,
    ...{ encrypted: false, device: 'd1', epoch: 1, tornBytes: 0, faults: [], mismatches: [] },
    ...{ entries: entries.length, pending: entries.length, aside: [] },
    runs: { open: 6, ended: 6 },
  });
  t.is((status['backlog'] as Json)['pending'], found['pending']);
  const screen = await holdfast(['store', 'check', '--data-dir', dir]);
  t.regex(screen.stdout, /^✓ The store is sound\.\n {2}device d1, epoch 1: [\d,]+ entries/);
});

test('check says of a write that was cut off that nobody was told of it', async (t) => {
  const dir = await lived(t, 1);
  const log = fileOf(dir, /\.log$/);
  await writeFile(log, Buffer.from([1, 2, 3, 4, 40, 0, 1, 9, 9]), { flag: 'a' });
  const { code, stdout } = await check(dir);

  t.is(code, 0);
  t.is(json(stdout)['state'], 'torn');
});

test('check finds damage, and changes not a byte of it', async (t) => {
  const dir = await lived(t, 1);
  await writeFile(fileOf(dir, /^MANIFEST/), '');
  const before = contents(dir);
  const { code, stdout } = await check(dir);
  const screen = await holdfast(['store', 'check', '--data-dir', dir]);

  t.deepEqual([code, screen.code], [1, 1]);
  t.deepEqual([json(stdout)['state'], json(stdout)['device']], ['damaged', null]);
  t.regex(screen.stdout, /^✗ The store is damaged, and the next start salvages it: .+MANIFEST/);
  t.deepEqual(contents(dir), before);
});

test('check finds rows that do not agree with each other', async (t) => {
  const dir = await lived(t, 1);
  const store = await openStore(join(dir, 'store'));
  const other = (await store.get(historyKey(2, 0))) ?? Uint8Array.of();
  await store.write([
    { kind: 'delete', key: runIdKey('errand-0-3') },
    { kind: 'put', key: historyKey(1, 0), value: other },
    { kind: 'delete', key: historyKey(2, 0) },
  ]);
  await store.close();
  const { code, stdout } = await check(dir);

  t.is(code, 1);
  const { state, mismatches } = json(stdout);
  t.is(state, 'inconsistent');
  const texts = (mismatches as readonly string[]).join('\n');
  t.regex(texts, /the id of run 4 leads to nothing/);
  t.regex(texts, /entry \d+ of lane normal, which run 1 has, is of another run/);
  t.regex(texts, /run 2 has \d+ entries, not \d+/);
});

test('check, verify and export read what an agent has while it runs, and goes on', async (t) => {
  const dir = await lived(t, 1);
  const agent = await Agent.open({ dataDir: dir, device: 'd1', workflows: [errand], socket: true });
  t.teardown(() => agent.close());
  const aside = readdirSync(tmpdir()).filter((name) => name.startsWith('holdfast-copy-'));
  const { code, stdout, stderr } = await check(dir);
  const screen = await holdfast(['store', 'check', '--data-dir', dir]);
  const verified = await holdfast(['journal', 'verify', '--data-dir', dir]);
  await agent.emit('later', 1);
  const lines = linesOf((await holdfast(['store', 'export', '--data-dir', dir])).stdout);
  const { backlog } = await agent.status();

  t.is(code, 0, stderr);
  t.like(json(stdout), { state: 'sound', isCopy: true, epoch: 1, faults: [], mismatches: [] });
  t.regex(screen.stdout, /^✓ The store is sound, as the agent that runs reads it\.\n/);
  t.regex(verified.stdout, /every chain is whole/);
  t.is(lines.length, backlog.pending);
  t.true(lines.some(({ entry }) => (entry as Json)['name'] === 'later'));
  const left = readdirSync(tmpdir()).filter((name) => name.startsWith('holdfast-copy-'));
  t.deepEqual(left.filter((name) => !aside.includes(name)), []);
});

test('export prints every entry, with its bytes and what they say', async (t) => {
  const dir = await lived(t);
  const { code, stdout } = await holdfast(['store', 'export', '--data-dir', dir]);
  const lines = linesOf(stdout);

  t.is(code, 0);
  const known = (await entriesOf(dir)).map(({ lane, seq, bytes }) => {
    return [lane, seq, Buffer.from(bytes, 'base64').toString('hex')];
  });
  t.deepEqual(lines.map(({ lane, seq, bytes }) => [lane, seq, bytes]), known);
  const started = lines.find(({ entry }) => (entry as Json)['kind'] === 'run.started');
  t.like(started, {
    ...{ schema: 'holdfast.entry/1', device: 'd1', epoch: 1, acked: false },
    entry: { run: 'errand-0-0', input: { waits: true } },
  });
});

const python = hasProgram('python3') ? test : test.skip;
python('a reader in Python, written from JOURNAL.md, reads the same (needs python3)', async (t) => {
  const dir = await lived(t);
  const { store, device, epoch, release } = await openDataDir(dir, { device: 'd1' });
  const journal = await Journal.open({ device, epoch, boot: 1, store, sha256, clock: systemClock });
  await journal.remove('bulk', [2, 3, 7], { reason: 'trimmed' });
  await journal.close(new HoldfastError('HF_AGENT_CLOSED'));
  await release();
  const { stdout } = await promisify(execFile)('python3', [reader, join(dir, 'store')]);
  const exported = await holdfast(['store', 'export', '--data-dir', dir]);
  const parts = ({ lane, seq, acked, bytes }: Json) => ({ lane, seq, acked, bytes });

  t.true(linesOf(stdout).length > 100);
  t.deepEqual(linesOf(stdout).map(parts), linesOf(exported.stdout).map(parts));
  const changed = await openStore(join(dir, 'store'));
  const key = entryKey('normal', 2);
  const value = (await changed.get(key)) ?? key;
  value[40] = (value[40] ?? 0) ^ 1;
  await changed.write([{ kind: 'put', key, value }]);
  await changed.close();
  await t.throwsAsync(promisify(execFile)('python3', [reader, join(dir, 'store')]), {
    message: /normal 2 is not what was journaled/,
  });
});

test('salvage prints what is left of a store that was moved aside, and what is not', async (t) => {
  const dir = await lived(t);
  const known = (await entriesOf(dir)).map(({ lane, seq }) => `${lane} ${seq}`);
  const tables = readdirSync(join(dir, 'store')).filter((name) => name.endsWith('.ldb'));
  for (const table of tables.map((name) => join(dir, 'store', name))) {
    const bytes = readFileSync(table);
    const middle = Math.floor(bytes.byteLength / 2);
    bytes[middle] = (bytes[middle] ?? 0) ^ 255;
    await writeFile(table, bytes);
  }
  const agent = await Agent.open({ dataDir: dir, device: 'd1', workflows: [errand] });
  await agent.close();
  const [aside = 'none'] = readdirSync(dir).filter((name) => name.startsWith('store.bad-'));
  const before = contents(join(dir, aside));
  const { code, stdout, stderr } = await holdfast(['store', 'salvage', join(dir, aside)]);

  t.is(code, 1);
  const view = json(stderr.split('\n')[0] ?? '');
  t.like(view, { schema: 'holdfast.store-salvage/1', device: 'd1', epoch: 1 });
  const read = linesOf(stdout).map(({ lane, seq }) => `${String(lane)} ${String(seq)}`);
  const missing = [...seqsIn(view['missing']), ...seqsIn(view['changed'])];
  t.true(missing.length > 0);
  // Entries at the end of a lane cannot be told to be missing.
  const rest = known.filter((each) => !read.includes(each) && !missing.includes(each));
  t.true(read.length > 0 && rest.length < known.length / 4);
  t.deepEqual(read.filter((each) => !known.includes(each)), []);
  t.deepEqual(contents(join(dir, aside)), before);
  t.is((await holdfast(['store', 'salvage', dir])).code, 0);
});

function seqsIn(ranges: unknown): string[] {
  return (ranges as { lane: string; first: number; last: number }[]).flatMap((range) => {
    const { lane, first, last } = range;
    return Array.from({ length: last - first + 1 }, (_, index) => `${lane} ${first + index}`);
  });
}

test('verbs of the store refuse what they cannot work on, in three lines', async (t) => {
  const dir = await lived(t, 1);
  const none = join(await tempDir(t), 'none');
  const cases: readonly (readonly [args: string, code: number, error: string])[] = [
    ['check', 2, 'HF_USAGE'],
    ['check --data-dir=', 2, 'HF_USAGE'],
    [`check --data-dir ${none}`, 3, 'HF_DATA_DIR_MISSING'],
    [`check --data-dir ${dir} --store-key-file ${none}`, 78, 'HF_STORE_KEY'],
    ['export', 2, 'HF_USAGE'],
    [`export --data-dir ${none}`, 3, 'HF_DATA_DIR_MISSING'],
    ['salvage', 2, 'HF_USAGE'],
    [`salvage ${none}`, 3, 'HF_DATA_DIR_MISSING'],
    [`rekey --data-dir ${dir}`, 2, 'HF_USAGE'],
    [`rekey --data-dir ${dir} --store-key-file x --new-key-file y`, 3, 'HF_DATA_DIR_MISSING'],
    ['polish', 2, 'HF_USAGE'],
  ];
  for (const [args, code, error] of cases) {
    const ended = await holdfast(['store', ...args.split(' ')]);
    t.deepEqual([ended.code, ended.stdout], [code, ''], args);
    t.regex(ended.stderr, /^error: .+ \(HF_[A-Z_]+\)\n {2}cause: .+\n {2}hint: .+\n$/, args);
    t.true(ended.stderr.includes(error), `${args}: ${ended.stderr}`);
  }
  const agent = await Agent.open({ dataDir: dir, device: 'd1', workflows: [errand] });
  for (const verb of ['check', 'export']) {
    const { code, stderr } = await holdfast(['store', verb, '--data-dir', dir]);
    t.is(code, 6, verb);
    t.regex(stderr, /HF_STORE_LOCKED/, verb);
  }
  await agent.close();
});
