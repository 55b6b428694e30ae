import { execFileSync } from 'node:child_process';
import { symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { createSocketServer } from '@holdfast/agent/internal';
import { holdfast, holdfastBinary, startHoldfast } from '../support/holdfast-cli.ts';
import { ScriptedSurface } from '../support/scripted-surface.ts';
import { tempDir } from '../support/temp-dir.ts';

const log = { error: () => undefined, info: () => undefined, debug: () => undefined };

async function serve(t: ExecutionContext): Promise<Readonly<Record<string, string>>> {
  const dir = await tempDir(t);
  const surface = new ScriptedSurface();
  const server = await createSocketServer({ path: join(dir, 'agent.sock'), surface, log });
  t.teardown(() => server.close());
  return { HOLDFAST_DATA_DIR: dir };
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
    t.regex(alarm.stdout, /^HOLDFAST CRITICAL - 1284 entries pending; /);
    t.is(nobody.code, 3);
    t.regex(nobody.stdout, /^HOLDFAST UNKNOWN - /);
    t.is(nobody.stderr, '');
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
  const table = await holdfast(
    [...list, '--columns', 'run,state', '--sort=-run', '--no-header'],
    { env },
  );
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
