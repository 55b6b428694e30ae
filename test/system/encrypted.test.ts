import { randomBytes } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { holdfast, startHoldfast } from '../support/holdfast-cli.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Nothing else on the machine says this. */
const word = (what: string): string => `zq7-${what}-kolibri`;
const words = [
  ...['input', 'result', 'run', 'status', 'signal', 'payload', 'schedule', 'error', 'event'],
  ...['step', 'progress'],
].map(word);

const code = `
import { workflow } from '@holdfast/agent';
export const secret = workflow('secret', async (ctx, input) => {
  await ctx.setStatus('${word('status')}');
  const got = await ctx.step('${word('step')}', () => '${word('result')}' + input.length);
  await ctx.emit('reading', '${word('progress')}');
  return [got, await ctx.waitFor('${word('signal')}')];
});
export const failing = workflow('failing', async (ctx) => {
  const fail = () => { throw new Error('${word('error')}'); };
  await ctx.step('fails', fail, { retry: { attempts: 1 } });
});
export const schedules = [
  { cron: '@yearly', workflow: 'secret', id: '${word('schedule')}', input: '${word('input')}' },
];
`;

interface Device {
  readonly dir: string;
  readonly dataDir: string;
  readonly keyFile: string;
}

async function device(t: ExecutionContext): Promise<Device> {
  const dir = await tempDir(t);
  const keyFile = join(dir, 'key');
  await writeFile(keyFile, randomBytes(32), { mode: 0o600 });
  return { dir, dataDir: join(dir, 'data'), keyFile };
}

/** Has an agent journal all of the words, and ends it with SIGKILL. */
async function live(t: ExecutionContext, { dir, dataDir }: Device, encryption: readonly string[]) {
  // The file lies beside no packages that it could import by name.
  const modules = import.meta.resolve('@holdfast/agent');
  const file = join(dir, 'flows.mjs');
  await writeFile(file, code.replace('@holdfast/agent', modules));
  const args = ['run', '--data-dir', dataDir, '--device', 'd1', '--code', file];
  const agent = startHoldfast(t, [...args, ...encryption]);
  await agent.nextLine();
  const env = { HOLDFAST_DATA_DIR: dataDir };
  const payload = JSON.stringify(word('payload'));
  const lines = [
    ['start', 'secret', '--id', word('run'), '--input', JSON.stringify(word('input'))],
    ['signal', word('run'), word('signal'), payload],
    ['wait', '--run', word('run'), '--timeout', '60s'],
    ['start', 'failing', '--id', 'fails'],
    ['emit', 'something', JSON.stringify(word('event'))],
  ];
  for (const line of lines) {
    const ended = await holdfast(line, { env });
    t.is(ended.code, 0, `${line.join(' ')}: ${ended.stderr}`);
  }
  // Ends with 1: the run has failed.
  await holdfast(['wait', '--run', 'fails', '--timeout', '60s'], { env });
  await agent.end('SIGKILL');
}

/** Those of the words that any file below a directory, or its name, has. */
function foundIn(dir: string): string[] {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true });
  const texts = files.map((file) => {
    const path = join(file.parentPath, file.name);
    return file.isFile() ? path + readFileSync(path, 'latin1') : path;
  });
  return words.filter((each) => texts.some((text) => text.includes(each)));
}

test('nothing of an encrypted store can be read without its key, nor after kill -9', async (t) => {
  const at = await device(t);
  await live(t, at, ['--store-key-file', at.keyFile]);

  t.deepEqual(foundIn(at.dataDir), []);
  // The next start makes tables of what lay in the log.
  const env = { HOLDFAST_DATA_DIR: at.dataDir, HOLDFAST_STORE_KEY_FILE: at.keyFile };
  const shown = await holdfast(['workflow', 'show', word('run')], { env });
  t.regex(shown.stdout, new RegExp(word('result')));
  t.deepEqual(foundIn(at.dataDir), []);
});

test('all of it can be read in a store that is not encrypted', async (t) => {
  const at = await device(t);
  await live(t, at, []);

  t.deepEqual(foundIn(at.dataDir), words);
});

test('commands read the encrypted store of a stopped agent with its key only', async (t) => {
  const at = await device(t);
  await live(t, at, ['--store-key-file', at.keyFile]);
  const env = { HOLDFAST_DATA_DIR: at.dataDir };
  const credentials = await tempDir(t);
  const credential = join(credentials, 'holdfast-store-key');
  await writeFile(credential, readFileSync(at.keyFile), { mode: 0o400 });
  const keyed = [
    { ...env, HOLDFAST_STORE_KEY_FILE: at.keyFile },
    { ...env, CREDENTIALS_DIRECTORY: credentials },
  ];
  const commands = ['status', 'backlog', 'workflow ls --all', 'journal tail', 'journal verify'];
  for (const [index, command] of commands.entries()) {
    const open = await holdfast(command.split(' '), { env: keyed[index % 2] ?? env });
    const shut = await holdfast(command.split(' '), { env });
    t.is(open.code, 0, `${command}: ${open.stderr}`);
    t.is(shut.code, 78, command);
    t.regex(shut.stderr, /^error: .+ \(HF_STORE_KEY\)\n {2}cause: .+\n {2}hint: .+\n$/, command);
  }
  const { stdout } = await holdfast(['workflow', 'ls', '--all'], { env: keyed[0] ?? env });
  t.regex(stdout, new RegExp(word('run')));
});

test('O7 an agent does not start with a wrong key, and does with the new one', async (t) => {
  const at = await device(t);
  await live(t, at, ['--store-key-file', at.keyFile]);
  const [newKey, wrongKey] = [join(at.dir, 'new'), join(at.dir, 'wrong')];
  await writeFile(newKey, `${randomBytes(32).toString('base64')}\n`, { mode: 0o600 });
  await writeFile(wrongKey, randomBytes(32), { mode: 0o600 });
  const rekey = ['store', 'rekey', '--data-dir', at.dataDir, '--new-key-file', newKey];
  const run = (key: string) => {
    const args = ['--data-dir', at.dataDir, '--device', 'd1', '--code', join(at.dir, 'flows.mjs')];
    return ['run', ...args, '--store-key-file', key];
  };

  const wrong = await holdfast(run(wrongKey));
  t.is(wrong.code, 78);
  t.regex(wrong.stderr, /HF_STORE_KEY/);
  t.is((await holdfast([...rekey, '--store-key-file', wrongKey])).code, 78);
  t.is((await holdfast(rekey)).code, 2);
  const changed = await holdfast([...rekey, '--store-key-file', at.keyFile, '-o', 'json']);
  t.deepEqual(JSON.parse(changed.stdout), {
    ...{ schema: 'holdfast.store-rekey/1', dataDir: at.dataDir, rows: null, aside: [] },
  });
  t.is((await holdfast(run(at.keyFile))).code, 78);
  const agent = startHoldfast(t, run(newKey));
  t.regex(await agent.nextLine(), /^ready: device d1, epoch 1/);
  t.is(await agent.end('SIGTERM'), 0);
});

/** Every file of the store and its key, with its bytes. */
function storeBytes(dataDir: string): Record<string, string> {
  const names = readdirSync(dataDir, { recursive: true, encoding: 'utf8' });
  const ours = names.filter((name) => /^store(?:\.key|\/(?!LOG|LOCK))/.test(name));
  return Object.fromEntries(
    ours.map((name) => [name, readFileSync(join(dataDir, name), 'base64')]),
  );
}

test('O7 once all is encrypted anew, the old key reads nothing of it', async (t) => {
  const at = await device(t);
  await live(t, at, ['--store-key-file', at.keyFile]);
  const { dataDir, keyFile } = at;
  const [newKey, wrongKey] = [join(at.dir, 'new'), join(at.dir, 'wrong')];
  for (const file of [newKey, wrongKey]) await writeFile(file, randomBytes(32), { mode: 0o600 });
  const aside = join(dataDir, 'store.bad-1');
  await cp(join(dataDir, 'store'), aside, { recursive: true });
  const stolen = readFileSync(join(dataDir, 'store.key'), 'utf8');
  const deep = ['store', 'rekey', '--deep', '--data-dir', dataDir, '--new-key-file', newKey];

  const before = storeBytes(dataDir);
  t.is((await holdfast([...deep, '--store-key-file', wrongKey])).code, 78);
  t.is((await holdfast(deep)).code, 78);
  t.deepEqual(storeBytes(dataDir), before);
  const agent = startHoldfast(t, [
    ...['run', '--data-dir', dataDir, '--device', 'd1', '--store-key-file', keyFile],
    ...['--code', join(at.dir, 'flows.mjs')],
  ]);
  await agent.nextLine();
  t.regex((await holdfast([...deep, '--store-key-file', keyFile])).stderr, /HF_STORE_LOCKED/);
  await agent.end('SIGTERM');
  const done = await holdfast([...deep, '--store-key-file', keyFile, '-o', 'json']);
  t.is(done.code, 0, done.stderr);
  const { rows, aside: told } = JSON.parse(done.stdout) as { rows: number; aside: string[] };
  t.true(rows > 10);
  t.deepEqual(told, ['store.bad-1']);

  const env = { HOLDFAST_DATA_DIR: dataDir };
  const run = ['workflow', 'show', word('run'), '--store-key-file'];
  t.regex((await holdfast([...run, newKey], { env })).stdout, new RegExp(word('result')));
  t.is((await holdfast(['store', 'check', '--store-key-file', newKey], { env })).code, 0);
  t.deepEqual(foundIn(dataDir), []);
  const salvage = ['store', 'salvage', aside, '--store-key-file'];
  t.regex((await holdfast([...salvage, keyFile])).stdout, new RegExp(word('result')));
  t.is((await holdfast([...salvage, newKey])).code, 78);
  const copy = join(at.dir, 'copy');
  await cp(dataDir, copy, { recursive: true });
  for (const name of ['store.key', 'store.key.copy']) await writeFile(join(copy, name), stolen);
  const status = ['status', '--data-dir', copy, '--store-key-file', keyFile];
  t.regex((await holdfast(status)).stderr, /HF_STORE_KEY/);
});

test('a store that was not encrypted is, once all of it is encrypted anew', async (t) => {
  const at = await device(t);
  await live(t, at, []);
  const deep = ['store', 'rekey', '--deep', '--data-dir', at.dataDir, '--new-key-file', at.keyFile];
  const done = await holdfast(deep);

  t.regex(done.stdout, /opens with .+ from now on\.\n {2}\d+ rows were encrypted/);
  t.deepEqual(foundIn(at.dataDir), []);
  const env = { HOLDFAST_DATA_DIR: at.dataDir };
  t.is((await holdfast(['status'], { env })).code, 78);
  const shown = await holdfast(['workflow', 'show', word('run')], {
    env: { ...env, HOLDFAST_STORE_KEY_FILE: at.keyFile },
  });
  t.regex(shown.stdout, new RegExp(word('result')));
});
