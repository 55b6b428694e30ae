import { chmod, mkdir, readFile, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createProgram, editedText, usageError, type Shell } from '@holdfast/agent/internal';
import { codeOf, messageOf } from '@holdfast/protocol';
import { tempDir } from '../../support/temp-dir.ts';

/** Runs `holdfast config` in this process. @returns What it printed and said, or its error. */
async function config(
  args: readonly string[],
  env: Shell['env'] = {},
): Promise<{ readonly out: string; readonly said: string }> {
  const out: string[] = [];
  const said: string[] = [];
  const shell: Shell = {
    ...{ env, isTerminal: false, color: false, width: undefined, nowMs: () => 0 },
    progress: { isTerminal: false, nowMs: () => 0, write: () => undefined },
    print: (text) => void out.push(text),
    write: (text) => void out.push(text),
    say: (text) => void said.push(text),
    ...{ fail: () => undefined, outliveReaders: () => undefined },
  };
  try {
    const line = ['config', ...args];
    await (await createProgram(shell, line)).parseAsync(line, { from: 'user' });
  } catch (error) {
    const failure = usageError(error);
    said.push(`${codeOf(failure)} ${messageOf(failure)}`);
  } finally {
    process.exitCode = undefined;
  }
  return { out: out.join('\n'), said: said.join('\n') };
}

const content = [
  '# This pump stands in hall 2.',
  'device = "pump-1"',
  "  retention = '7d'   # as agreed with the plant",
  'data-dir = "/data"',
  '',
].join('\n');

async function configFile(t: ExecutionContext, text = content): Promise<string> {
  const file = join(await tempDir(t), 'agent.toml');
  await writeFile(file, text);
  return file;
}

test('get tells the value, and beside it where it comes from', async (t) => {
  const file = await configFile(t);

  t.deepEqual(await config(['get', 'retention', '--config', file]), {
    ...{ out: '7d', said: `from ${file}:3` },
  });
  const given = await config(['get', 'retention', '--config', file, '--retention', '1d']);
  t.deepEqual(given, { out: '1d', said: 'from --retention' });
  t.deepEqual(await config(['get', 'log-format']), { out: 'text', said: 'from default' });
  t.deepEqual(await config(['get', 'gateway']), { out: '', said: 'gateway has no value' });
  t.deepEqual(JSON.parse((await config(['get', 'gateway', '-o', 'json'])).out), {
    ...{ schema: 'holdfast.config/1', settings: { gateway: null } },
  });
});

test('set changes one line, and leaves comments, the rest and the mode as they are', async (t) => {
  const file = await configFile(t);
  await chmod(file, 0o640);

  const { out, said } = await config(['set', 'retention', '30d', '--config', file]);

  t.is(out, `retention is 30d now: ${file}:3; it was 7d`);
  t.regex(said, /restarted/);
  const changed = content.replace("'7d'", '"30d"');
  t.is(await readFile(file, 'utf8'), changed);
  t.is((await stat(file)).mode & 0o777, 0o640);

  const again = await config(['set', 'retention', '30d', '--config', file]);
  t.deepEqual(again, { out: `retention is 30d already: ${file}:3`, said: '' });
});

test('set adds a line, makes a file, and writes through a link', async (t) => {
  const file = await configFile(t, 'device = "pump-1"');
  const link = `${file}.link.toml`;
  await symlink(file, link);
  const fresh = join(await tempDir(t), 'new.toml');

  await config(['set', 'gateway', 'mqtt://a:1', '--config', link]);
  await config(['set', 'device', 'pump-2', '--config', fresh]);

  t.is(await readFile(file, 'utf8'), 'device = "pump-1"\ngateway = "mqtt://a:1"\n');
  t.is(await readFile(fresh, 'utf8'), 'device = "pump-2"\n');
});

test('unset takes the line out; what is not there is told', async (t) => {
  const file = await configFile(t);

  const { out } = await config(['unset', 'retention', '--config', file]);

  t.is(out, `retention is gone from ${file}; it was 7d`);
  t.false((await readFile(file, 'utf8')).includes('retention'));
  const again = await config(['unset', 'retention', '--config', file]);
  t.deepEqual(again, { out: `retention is not in ${file}`, said: '' });
});

test('what goes before the file is told of', async (t) => {
  const file = await configFile(t);
  const args = ['set', 'retention', '9d', '--config', file];

  const byVariable = await config(args, { HOLDFAST_RETENTION: '1d' });
  await mkdir(file.replace(/\.toml$/, '.d'));
  await writeFile(file.replace(/\.toml$/, '.d/10.toml'), 'retention = "2d"');
  const byDropIn = await config(args);

  t.regex(byVariable.said, /^HOLDFAST_RETENTION goes before it: that value holds$/m);
  t.regex(byDropIn.said, /agent\.d\/10\.toml:1 goes before it: that value holds$/m);
});

const refusals: readonly (readonly [args: readonly string[], text: string, says: RegExp])[] = [
  [['set', 'retentoin', '7d'], content, /HF_USAGE .*no setting .+; did you mean retention\?/],
  [['set', 'journal_max_bytes', '7M'], content, /did you mean journal-max-bytes\?/],
  [['get', 'xyzzy'], content, /HF_USAGE .*there is no setting xyzzy \(HF_/],
  [['set', 'retention', 'soon'], content, /HF_CONFIG_INVALID .*:3: retention soon is no duration/],
  [['set', 'log-format', 'xml'], content, /HF_CONFIG_INVALID .*is one of text, json, not xml/],
  [['set', 'retention', ''], content, /HF_USAGE .*the value is empty/],
  [['set', 'device', 'a'], 'devize = "a"', /HF_CONFIG_INVALID .*:1: there is no setting devize/],
  [['set', 'device', 'a'], 'device = """\nb"""', /HF_CONFIG_INVALID/],
  [['unset', 'device'], 'device = """\nb"""', /HF_CONFIG_INVALID/],
];

for (const [args, text, says] of refusals) {
  test(`${args.join(' ')} in ${JSON.stringify(text.slice(0, 12))} is refused`, async (t) => {
    const file = await configFile(t, text);

    t.regex((await config([...args, '--config', file])).said, says);
    t.is(await readFile(file, 'utf8'), text);
  });
}

test('without a file, and in a place that cannot be written, nothing is done', async (t) => {
  t.regex((await config(['set', 'device', 'a'])).said, /HF_USAGE .*give --config FILE/);
  const away = await config(['set', 'device', 'a', '--config', '/no/such/agent.toml']);
  t.regex(away.said, /HF_CONFIG_INVALID .*\/no\/such\/agent\.toml cannot be written/);
});

test('whatever is set, the line reads as it was given', (t) => {
  for (const value of ['a "b" \\c', "it's", '# no comment', 'ø\n']) {
    const text = editedText('device = "x" # why\r\n', { name: 'device', value });
    t.is(text, `device = ${JSON.stringify(value)} # why\r\n`);
  }
});
