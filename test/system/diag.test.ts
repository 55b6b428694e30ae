import { execFileSync } from 'node:child_process';
import { mkdir, readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import test from 'ava';
import { holdfast, startHoldfast } from '../support/holdfast-cli.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';

const agentModule = new URL('../../../agent/dist/mod.js', import.meta.url).href;

/** Values, words of errors, passwords: each is told by its name where it is found. */
const hidden = [
  ...[
    'input-of-a-run',
    'output-of-a-step',
    'output-of-a-run',
    'words-of-an-error',
    'event-payload',
  ],
  ...['what-it-says', 'password-in-a-url', 'password-in-a-file', 'token-in-the-environment'],
  ...['token-of-a-plugin', 'log-of-a-step'],
];

const flows = `import { TerminalError, workflow } from '${agentModule}';
export const good = workflow('good', async (ctx, input) => {
  await ctx.setStatus('what-it-says');
  await ctx.step('work', () => { console.log('log-of-a-step'); return 'output-of-a-step'; });
  return 'output-of-a-run';
});
export const bad = workflow('bad', async (ctx) => {
  await ctx.step('work', () => { throw new TerminalError('words-of-an-error'); });
});
`;

const withTar = hasProgram('tar') ? test : test.skip;

withTar('needs tar: what is packed for a helper has no secrets and no payloads', async (t) => {
  const dir = await tempDir(t);
  const at = (name: string) => join(dir, name);
  await writeFile(at('flows.mjs'), flows);
  await writeFile(at('password'), 'password-in-a-file\n');
  const settings = [
    ...[`data-dir = "${at('data')}"`, 'device = "d1"', `code = "${at('flows.mjs')}"`],
    `password-file = "${at('password')}"`,
  ];
  const gateway = 'gateway = "mqtt://127.0.0.1:1"';
  await writeFile(at('agent.toml'), [...settings, gateway].join('\n'));
  // The agent takes no such address; a person may have written it all the same.
  const address = 'gateway = "mqtt://user:password-in-a-url@127.0.0.1:1"';
  await writeFile(at('wrong.toml'), [...settings, address].join('\n'));
  const agent = startHoldfast(t, ['run', '--config', at('agent.toml')]);
  await agent.nextLine();
  const plugin = `#!/bin/sh\necho 'modem: LTE, token=token-of-a-plugin'; exit 3\n`;
  await mkdir(at('diag.d'));
  await writeFile(join(at('diag.d'), 'modem'), plugin, { mode: 0o755 });
  await writeFile(join(at('diag.d'), 'README'), 'no program\n', { mode: 0o644 });
  const env = { HOLDFAST_DATA_DIR: at('data'), HOLDFAST_FLEET_TOKEN: 'token-in-the-environment' };
  const run = (line: string) => holdfast(line.split(' '), { env });
  const done = async (line: string) => t.is((await run(line)).code, 0, line);
  await done('start good --id run-1 --input "input-of-a-run"');
  await done('start bad --id run-2 --input 1');
  await done('emit happened {"is":"event-payload"}');
  await Promise.all(['run-1', 'run-2'].map((id) => run(`wait --run ${id} --timeout 20s`)));

  const own = `--config ${at('wrong.toml')} --plugins ${at('diag.d')}`;
  const args = `diag ${own} --out ${at('diag.tar.gz')}`;
  const { code, stdout, stderr } = await run(`${args} -o json`);

  t.deepEqual([code, stderr], [0, '']);
  const { parts } = JSON.parse(stdout) as { readonly parts: readonly string[] };
  const whole = ['machine.json', 'doctor.json', 'config.json', 'environment.json', 'status.json'];
  const lists = ['runs.jsonl', 'journal.jsonl', 'logs.jsonl', 'plugins/modem.txt'];
  t.deepEqual(
    [...whole, ...lists].filter((each) => !parts.includes(each)),
    [],
  );
  t.true(parts.some((each) => each.startsWith('unit.txt')));
  t.is((await stat(at('diag.tar.gz'))).mode & 0o777, 0o600);
  execFileSync('tar', ['xzf', at('diag.tar.gz')], { cwd: dir });
  for (const part of parts) await stat(join(dir, 'holdfast-diag', part));
  const text = gunzipSync(await readFile(at('diag.tar.gz'))).toString('latin1');
  const key = await readFile(join(at('data'), 'identity', 'device.key'), 'utf8');
  const keyLines = key.split('\n').filter((line) => line.length > 20);
  t.true(keyLines.length > 0);
  t.deepEqual(
    [...hidden, ...keyLines].filter((each) => text.includes(each)),
    [],
  );
  // It is about these very runs.
  const runs = ['run-1', 'run-2', 'happened', 'step.failed'];
  const others = ['(redacted)@127.0.0.1', 'modem: LTE', 'Command failed', 'It is no program'];
  for (const told of [...runs, ...others]) t.true(text.includes(told), told);

  const again = await run(args);
  t.is(again.code, 2);
  t.regex(again.stderr, /diag\.tar\.gz cannot be made: EEXIST/);
});
