import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createProgram, usageError, type Shell } from '@holdfast/agent/internal';
import { codeOf, messageOf } from '@holdfast/protocol';
import { tempDir } from '../../support/temp-dir.ts';

/** Runs a command in this process. @returns What it printed, or the code and the reason. */
async function command(...args: readonly string[]): Promise<string> {
  const printed: string[] = [];
  const shell: Shell = {
    ...{ env: {}, isTerminal: false, color: false, width: undefined, nowMs: () => 0 },
    progress: { isTerminal: false, nowMs: () => 0, write: () => undefined },
    print: (text) => void printed.push(text),
    write: (text) => void printed.push(text),
    ...{ say: () => undefined, fail: () => undefined, outliveReaders: () => undefined },
  };
  try {
    await (await createProgram(shell, args)).parseAsync(args, { from: 'user' });
    return printed.join('\n');
  } catch (error) {
    const failure = usageError(error);
    return `${codeOf(failure)} ${messageOf(failure)}`;
  }
}

async function configFile(t: ExecutionContext, ...lines: readonly string[]): Promise<string> {
  const file = join(await tempDir(t), 'agent.toml');
  await writeFile(file, lines.join('\n'));
  return file;
}

const pageFile = new URL('../../../../docs/reference/configuration.md', import.meta.url);

const whole = ['device = "pump-1"', 'data-dir = "/data"', '"code" = "/flows.js"'];

async function found(...args: readonly string[]): Promise<Readonly<Record<string, unknown>>> {
  const text = await command('config', 'list', '-o', 'json', ...args);
  const { settings } = JSON.parse(text) as { settings: Readonly<Record<string, unknown>> };
  return settings;
}

test('a setting comes from its option, else from the file, else from its default', async (t) => {
  const file = await configFile(t, ...whole, 'retention = "7d"');

  const settings = await found('--config', file, '--retention', '3d');

  t.deepEqual(settings['retention'], { value: '3d', origin: 'option', place: '--retention' });
  t.deepEqual(settings['code'], { value: '/flows.js', origin: 'file', place: `${file}:3` });
  t.deepEqual(settings['log-format'], { value: 'text', origin: 'default', place: 'default' });
  t.is(settings['gateway'], null);
});

test.serial('a variable goes before the file; an empty one counts as unset', async (t) => {
  const file = await configFile(t, ...whole, 'gateway = "mqtt://file:1883"');
  t.teardown(() => delete process.env['HOLDFAST_GATEWAY']);

  process.env['HOLDFAST_GATEWAY'] = 'mqtt://variable:1883';
  const given = await found('--config', file);
  process.env['HOLDFAST_GATEWAY'] = '';
  const unset = await found('--config', file);

  const place = 'HOLDFAST_GATEWAY';
  t.deepEqual(given['gateway'], { value: 'mqtt://variable:1883', origin: 'variable', place });
  t.like(unset['gateway'], { value: 'mqtt://file:1883', origin: 'file' });
});

test('drop-ins go after the file, in the order of their names', async (t) => {
  const file = await configFile(t, ...whole, 'retention = "7d"');
  const directory = file.replace(/\.toml$/, '.d');
  await mkdir(directory);
  await writeFile(join(directory, '20-later.toml'), 'retention = "2d"');
  await writeFile(join(directory, '10-first.toml'), 'retention = "1d"');
  await writeFile(join(directory, 'notes.txt'), 'retention = "9d"');

  const settings = await found('--config', file);

  const place = `${join(directory, '20-later.toml')}:1`;
  t.deepEqual(settings['retention'], { value: '2d', origin: 'file', place });
});

const faults: readonly (readonly [line: string, says: RegExp])[] = [
  ['retentoin = "7d"', /HF_CONFIG_INVALID .+agent\.toml:4: .+ retentoin; did you mean retention\?/],
  ['journal_max_bytes = "7M"', /:4: there is no setting .+; it is called journal-max-bytes/],
  ['retention = "soon"', /:4: retention soon is no duration/],
  ['reconnect-max = "1ms"', /:4: reconnect-max 1ms is not from 1s to 1d/],
  ['journal-max-bytes = "7 apples"', /:4: journal-max-bytes 7 apples is no size/],
  ['log-format = "xml"', /:4: log-format is one of text, json, not xml/],
  ['gateway = true', /:4: gateway has to be a text/],
  ['gateway = ""', /:4: gateway is empty/],
  ['[uplink]', /:4: there is no setting uplink/],
  ['gateway = ', /:4: /],
  ['device = "twice"', /:4: /],
];

for (const [line, says] of faults) {
  test(`a file with ${line} is refused, and the line is named`, async (t) => {
    const file = await configFile(t, ...whole, line);

    t.regex(await command('config', 'lint', '--config', file), says);
  });
}

test('a number in the file is as good as its text', async (t) => {
  const file = await configFile(t, ...whole, 'journal-max-bytes = 8_388_608');

  t.is(await command('config', 'lint', '--config', file), 'ok: 5 settings');
  t.like((await found('--config', file))['journal-max-bytes'], { value: '8388608' });
});

test('what every agent needs is missed by name, an absent file by its path', async (t) => {
  const file = await configFile(t, 'device = "pump-1"');

  t.regex(await command('config', 'lint', '--config', file), /required: --data-dir, --code/);
  t.regex(
    await command('config', 'list', '--config', '/no/agent.toml'),
    /\/no\/agent\.toml cannot/,
  );
});

test('the page of the settings names each one, in their order', async (t) => {
  const page = await readFile(pageFile, 'utf8');

  const named = [...page.matchAll(/^\| `([a-z-]+)` \|/gm)].map(([, name]) => name);

  t.deepEqual(named, Object.keys(await found()));
});

test('the file that the page shows is taken as it is', async (t) => {
  const page = await readFile(pageFile, 'utf8');
  const file = await configFile(t, /```toml\n(.*?)```/s.exec(page)?.[1] ?? '');

  t.is(await command('config', 'lint', '--config', file), 'ok: 6 settings');
});
