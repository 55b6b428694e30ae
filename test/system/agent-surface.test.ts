import { execFileSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { holdfast, holdfastBinary, startHoldfast } from '../support/holdfast-cli.ts';
import { serve as serveAgent } from '../support/scripted-agent.ts';
import { tempDir } from '../support/temp-dir.ts';

/** Where npm links the programs of the workspaces. */
const binaries = fileURLToPath(new URL('../../../node_modules/.bin', import.meta.url));

async function serve(t: ExecutionContext): Promise<Readonly<Record<string, string>>> {
  return (await serveAgent(t)).env;
}

test.serial(
  'check says one line, and its exit code is what monitoring systems expect',
  async (t) => {
    const env = await serve(t);

    const calm = await holdfast(['check'], { env });
    const alarm = await holdfast(['check', '--max-entries', '1000'], { env });
    const nobody = await holdfast(['check', '--socket', '/nowhere.sock']);

    t.is(calm.code, 1);
    t.regex(calm.stdout, /^HOLDFAST WARNING - 1 run is stuck\|pending=1284 bytes=\d+B age=\d+s /);
    t.is(alarm.code, 2);
    t.regex(alarm.stdout, /^HOLDFAST CRITICAL - 1284 entries pending, the oldest for .+; 1 run/);
    t.regex(alarm.stdout, /\|pending=1284;500;1000 /);
    t.is(nobody.code, 3);
    t.regex(nobody.stdout, /^HOLDFAST UNKNOWN - /);
    t.is(nobody.stderr, '');
    const told = await Promise.all([
      holdfast(['check', 'uplink', 'clock'], { env }),
      holdfast(['check', 'stuck', '--max-stuck', '0', '--format', 'json'], { env }),
      holdfast(['check', 'backlog', '--format', 'prometheus'], { env }),
      holdfast(['check', 'stuck', 'cert', '--format', 'text'], { env }),
      holdfast(['check', 'nothing'], { env }),
      holdfast(['check', '--max-age', '1h', '--warn-age', '2h'], { env }),
    ]);
    t.deepEqual(
      told.map(({ code }) => code),
      [0, 2, 0, 1, 3, 3],
    );
    t.regex(told[0].stdout, /^HOLDFAST OK - offline for .+; clock right, by the gateway\|/);
    t.like(JSON.parse(told[1].stdout), { level: 'CRITICAL', checks: [{ subject: 'stuck' }] });
    t.regex(told[2].stdout, /^holdfast_check_level\{subject="backlog"\} 0$/m);
    t.is(
      told[3].stdout,
      '! stuck    warning   1 run is stuck\n✓ cert     ok        no certificate\n',
    );
    for (const { stdout, stderr } of told.slice(4)) {
      t.regex(stdout, /^HOLDFAST UNKNOWN - /);
      t.regex(stderr, /^error: .+ \(HF_USAGE\)\n {2}cause: .+\n {2}hint: .+\n$/);
    }
  },
);

test.serial(
  'completion offers commands, options, choices, codes and the ids of runs',
  async (t) => {
    const env = await serve(t);
    const words = async (...typed: readonly string[]) => {
      const { stdout, stderr } = await holdfast(['completion', 'words', '--', ...typed], { env });
      t.is(stderr, '');
      return stdout.split('\n').filter((line) => line !== '');
    };

    t.deepEqual(await words('sta'), ['start', 'status']);
    t.deepEqual(await words('workflow', 'sk'), ['skip']);
    t.true((await words('status', '--')).includes('--data-dir'));
    t.deepEqual(await words('status', '-o', ''), ['json', 'jsonl', 'text']);
    t.deepEqual(await words('explain', 'HF_STORE_L'), ['HF_STORE_LOCKED']);
    t.true((await words('workflow', 'show', '')).includes('busy'));
    t.deepEqual(await words('completion', ''), ['bash', 'fish', 'zsh']);
    t.deepEqual(await words('check', 'st'), ['store', 'stuck']);
    t.deepEqual(await words('context', ''), ['ls', 'rm', 'set', 'use']);
  },
);

test.serial('the script for bash completes in a bash', async (t) => {
  const { stdout: script } = await holdfast(['completion', 'bash']);
  const dir = await tempDir(t);
  await symlink(holdfastBinary, join(dir, 'holdfast'));
  const typed = 'COMP_WORDS=(holdfast sta); COMP_CWORD=1; _holdfast; echo "${COMPREPLY[@]}"';

  const env = { PATH: `${dir}:${process.env['PATH'] ?? ''}` };
  const said = execFileSync('bash', ['--norc', '-c', `${script}\n${typed}`], {
    encoding: 'utf8',
    env,
  });

  t.is(said, 'start status\n');
});

test.serial('a table shows what is asked for, and lists can be watched', async (t) => {
  const env = await serve(t);
  const list = ['workflow', 'ls', '--all'];
  const table = await holdfast([...list, '--columns', 'run,state', '--sort=-run', '--no-header'], {
    env,
  });
  const wrong = await holdfast([...list, '--columns', 'x'], { env });

  t.deepEqual(
    table.stdout.split('\n').map((line) => line.split(' ')[0]),
    ['done', 'cancelled', 'busy', 'broken', '4', ''],
  );
  t.is(wrong.code, 2);
  t.regex(wrong.stderr, /there is no column x, only run, workflow, state/);
  const watching = startHoldfast(t, [...list, '--watch=100ms'], { env });
  const views = [JSON.parse(await watching.nextLine()), JSON.parse(await watching.nextLine())];
  t.deepEqual(
    views.map(({ schema }) => schema),
    ['holdfast.runs/1', 'holdfast.runs/1'],
  );
  t.is(await watching.end('SIGINT'), 130);
});

test.serial('a table is written for spreadsheets and documents, alone', async (t) => {
  const env = await serve(t);
  const list = ['workflow', 'ls', '--all', '--columns', 'run,state,since,next'];
  const csv = await holdfast([...list, '-o', 'csv'], { env });
  const md = await holdfast([...list, '-o', 'md', '--time', 'raw'], { env });
  const empty = await holdfast([...list, '-o', 'csv', '--workflow', 'none'], { env });
  const wrong = [
    await holdfast([...list, '-o', 'csv', '--watch'], { env }),
    await holdfast([...list, '--time', 'soon'], { env }),
  ];

  const [head, ...rows] = csv.stdout.trimEnd().split('\n');
  t.is(head, 'run,state,since,next');
  t.is(rows.length, 4);
  for (const row of rows) t.regex(row, /^[a-z]+,[a-z-]+,2026-05-04T03:02:01\.000Z,[^,]*$/);
  const titles = '| run | state | since | next |\n| --- | --- | ---: | ---: |\n| busy |';
  t.true(md.stdout.startsWith(titles), md.stdout);
  t.regex(md.stdout, /\| ✓ completed \| 1777863721000 \| -/);
  t.regex(empty.stdout, /^run,state,since,next\n/);
  for (const { code, stdout, stderr } of wrong) {
    t.deepEqual([code, stdout], [2, '']);
    t.regex(stderr, /^error: .*\(HF_USAGE\)\n/);
  }
});

test.serial('journal tail passes on what narrows it, and shows the bytes', async (t) => {
  const { env, surface } = await serveAgent(t);
  const narrow = ['--kind', 'step.*', '--unsynced', '--run', 'bu', '--hex', '-n', '3'];

  const told = await holdfast(['journal', 'tail', ...narrow], { env });

  t.regex(told.stdout, /normal\/48213 +◌ step\.completed .*\n {2}0000 {2}81 00\n$/);
  t.like(surface.calls.findLast(({ name }) => name === 'journal')?.request, {
    ...{ kinds: ['step.*'], unsynced: true, run: 'busy', hex: true, limit: 3 },
  });
});

test.serial('a context stands for an agent that nothing else names', async (t) => {
  const named = await serve(t);
  const home = { XDG_CONFIG_HOME: await tempDir(t) };
  const at = named['HOLDFAST_DATA_DIR'] ?? '';
  const run = (line: string) => holdfast(line.split(' '), { env: home });

  const made = await run(`context set lab --data-dir ${at} --use -o json`);
  t.like(JSON.parse(made.stdout), { name: 'lab', device: { 'data-dir': at }, isCurrent: true });
  const told = await Promise.all(
    [
      ...['status', 'workflow ls --stuck', 'context ls', 'status --context lab'],
      ...['completion words -- status --context ', 'status --context other'],
    ].map(run),
  );
  t.deepEqual(
    told.map(({ code }) => code),
    [0, 0, 0, 0, 0, 3],
  );
  t.regex(told[2]?.stdout ?? '', /^CONTEXT +IN USE +AGENT.*\nlab +✓ yes +--data-dir /);
  t.is(told[4]?.stdout, 'lab\n');
  t.regex(told[5]?.stderr ?? '', /HF_CONTEXT_UNKNOWN\)\n {2}cause: other; there are lab\n/);
  t.is((await run('context rm lab')).stdout, 'forgot lab\n');
});

test.serial('what is typed shorter is what documents write', async (t) => {
  const env = await serve(t);
  const run = (line: string, more = {}) => holdfast(line.split(' '), { env: { ...env, ...more } });

  const [json, retry, table, several, other] = await Promise.all([
    run('stat --json'),
    run('retry busy'),
    run('workf ls', { LLMFORMAT: '1' }),
    run('sta'),
    run('gateway --version', { PATH: `${binaries}:${process.env['PATH'] ?? ''}` }),
  ]);

  t.like(JSON.parse(json.stdout), { schema: 'holdfast.status/1' });
  t.is(retry.stdout, 'retrying busy\n');
  t.regex(table.stdout, /^\| run \| workflow \|/);
  t.is(several.code, 2);
  t.regex(several.stderr, /cause: sta is the beginning of start, status/);
  t.regex(other.stdout, /^\d+\.\d+\.\d+\n$/, other.stderr);
});
