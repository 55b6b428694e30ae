import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { holdfast, startHoldfast, type Ended } from '../support/holdfast-cli.ts';
import { serve } from '../support/scripted-agent.ts';
import type { ScriptedSurface } from '../support/scripted-surface.ts';
import { tempDir } from '../support/temp-dir.ts';

function json(text: string): Readonly<Record<string, unknown>> {
  return JSON.parse(text) as Readonly<Record<string, unknown>>;
}

/** An error as a person sees it: three lines and nothing else. */
function checkThreeLines(t: ExecutionContext, { stderr, stdout }: Ended, what: string): void {
  t.regex(stderr, /^error: .+ \(HF_[A-Z_]+\)\n {2}cause: .+\n {2}hint: .+\n$/, what);
  t.is(stdout, '', what);
}

test.serial('a list of runs that goes on says how, and goes on there', async (t) => {
  const { env } = await serve(t);
  const list = ['workflow', 'ls', '--all', '--limit', '2'];

  const [first, second] = await Promise.all([
    holdfast(list, { env }),
    holdfast([...list, '--cursor', '2'], { env }),
  ]);

  t.regex(first.stdout, /done +checkout +✓ .+\n2 runs · more with --cursor 2$/m);
  t.regex(second.stdout, /broken .+\ncancelled .+\n2 runs$/m);
});

test.serial('a list of runs is narrowed by what the options say', async (t) => {
  const { env, surface } = await serve(t);
  const times = ['--since', '2026-05-04T03:02:01Z', '--until', '1h'];
  const q = 'state=stuck and since>1h';
  const narrow = ['--workflow', 'a b', '--prefix', 'p', '-q', q];
  const others = ['--state', 'failed,stuck', ...narrow, '--limit', '7'];

  const { code } = await holdfast(['workflow', 'ls', ...times, ...others, '-o', 'json'], { env });

  t.is(code, 0);
  const asked = surface.calls.find(({ name }) => name === 'runs')?.request;
  const { sinceMs, untilMs, ...rest } = asked as Readonly<Record<string, unknown>>;
  const filter = { states: ['failed', 'stuck'], workflow: 'a b', prefix: 'p', q };
  t.deepEqual(rest, { all: false, ...filter, synced: true, limit: 7, cursor: undefined });
  t.is(sinceMs, Date.UTC(2026, 4, 4, 3, 2, 1));
  t.true(Math.abs(Number(untilMs) - (Date.now() - 3_600_000)) < 60_000);
});

test.serial('the first line of status tells each state of the link in its own words', async (t) => {
  const { env, surface } = await serve(t);
  const states: readonly (readonly [ScriptedSurface['link']['state'], number, RegExp])[] = [
    ['none', 3, /^◌ NO GATEWAY: 3 entries \(300 B\) in the journal/],
    ['connecting', 1, /^◌ CONNECTING for .+: this device is 1 entry \(100 B\) ahead/],
    ['syncing', 2, /^● SYNCING for .+: this device is 2 entries \(200 B\) ahead/],
    ['synced', 0, /^✓ SYNCED: the gateway has everything/],
    ['stuck', 2, /^✗ STUCK for .+: 2 entries \(200 B\) are safe on this device and wait/],
    ['stuck', 0, /^✗ STUCK for .+: the gateway takes nothing from this device/],
    ['none', 0, /^◌ NO GATEWAY: nothing in the journal of this device waits for a gateway/],
    ['stopped', 2, /^◌ STOPPED for .+: this device is 2 entries \(200 B\) ahead/],
  ];

  for (const [state, pending, first] of states) {
    surface.link = { ...surface.link, state };
    surface.pending = pending;
    const { code, stdout } = await holdfast(['status'], { env });
    t.is(code, 0, state);
    t.regex(stdout, first, state);
    t.is(stdout.includes('HF_GATEWAY_UNREACHABLE'), state === 'stuck', state);
    t.regex(stdout, /^ {2}schedules +1 active · 2 waiting-for-time$/m);
  }
  const first = async () => (await holdfast(['status'], { env })).stdout.split('\n', 1)[0];
  Object.assign(surface, { head: 0, pending: 0, link: { ...surface.link, state: 'none' } });
  t.is(await first(), '◌ NO GATEWAY: this device has journaled nothing yet; 1 run is stuck.');
});

test.serial('a store that no gateway has taken anything of does not speak of one', async (t) => {
  const { env, surface } = await serve(t);
  const link = { ...surface.link, state: 'stopped', since: null, gateway: null } as const;
  Object.assign(surface, { link, lanes: ['normal'], head: 2, pending: 2 });

  const { stdout } = await holdfast(['status'], { env });

  t.regex(stdout, /^◌ STOPPED: 2 entries \(200 B\) in the journal of this device wait for a/);
});

const traceparent = '00-0123456789abcdef0123456789abcdef-0123456789abcdef-01';

test.serial('metrics prints what the agent serves, as it is', async (t) => {
  const { env } = await serve(t);

  const { code, stdout } = await holdfast(['metrics'], { env });

  t.is(code, 0);
  t.is(stdout, '# TYPE holdfast_runs gauge\nholdfast_runs{state="stuck"} 1\n');
});

test.serial('start, signal and cancel pass on what they are given and say so', async (t) => {
  const { dir, env, surface } = await serve(t);
  await writeFile(join(dir, 'order.json'), '{"id":"A-2"}');

  const one = ['start', 'checkout', '--input', '{"n":1}', '--id', 'A-1'];
  const first = await holdfast([...one, '--subject', 'customer-42'], { env });
  const again = await holdfast([...one, '-o', 'json'], { env });
  const file = await holdfast(['start', 'checkout', '--input', '@order.json'], {
    env: { ...env, TRACEPARENT: traceparent },
    cwd: dir,
  });
  const traced = { ...env, TRACEPARENT: traceparent };
  const piped = await holdfast(['signal', 'busy', 'go', '@-'], { env: traced, stdin: '[1,2]' });
  const cancelled = await holdfast(['cancel', 'busy', '--reason', 'left', '-o', 'json'], { env });

  t.deepEqual([first.code, first.stdout], [0, 'started A-1\n']);
  t.deepEqual(json(again.stdout), { schema: 'holdfast.started/1', id: 'A-1', created: false });
  t.is(file.code, 0);
  t.deepEqual([piped.code, piped.stdout], [0, 'signalled busy: go\n']);
  t.deepEqual(json(cancelled.stdout), { schema: 'holdfast.cancelled/1', run: 'busy' });
  const asked = surface.calls.filter(({ name }) => name !== 'run').map(({ request }) => request);
  const subject = undefined;
  t.like(asked[0], { workflow: 'checkout', id: 'A-1', subject: 'customer-42' });
  t.deepEqual(asked.slice(1), [
    { workflow: 'checkout', input: { n: 1 }, id: 'A-1', subject },
    { workflow: 'checkout', input: { id: 'A-2' }, id: undefined, subject, traceparent },
    { run: 'busy', name: 'go', payload: [1, 2], id: undefined, subject, traceparent },
    { run: 'busy', reason: 'left', force: undefined },
  ]);
});

type Verb = readonly [args: string, schema: string, says: string, asked: object];

const verbs: readonly Verb[] = [
  [
    'workflow pause busy --reason r',
    'paused/1',
    'paused busy',
    { name: 'pause', request: { run: 'busy', reason: 'r' } },
  ],
  [
    'workflow resume busy',
    'resumed/1',
    'resumed busy',
    { name: 'resume', request: { run: 'busy' } },
  ],
  [
    'workflow retry broken',
    'retried/1',
    'retrying broken',
    { name: 'retry', request: { run: 'broken', reason: '' } },
  ],
  [
    'workflow skip busy pay {"a":1}',
    'skipped/1',
    'skipped pay of busy',
    { name: 'skip', request: { run: 'busy', step: 'pay', result: { a: 1 } } },
  ],
  [
    'workflow fork done pay --id n-1',
    'forked/1',
    'started n-1, forked from done',
    { name: 'fork', request: { run: 'done', step: 'pay', id: 'n-1' } },
  ],
  [
    'cancel busy --force',
    'cancelled/1',
    'cancelled busy',
    { name: 'cancel', request: { run: 'busy', reason: '', force: true } },
  ],
  [
    'complete hft_1_1_a [7]',
    'token-completed/1',
    'completed the step',
    { name: 'complete', request: { token: 'hft_1_1_a', result: [7], error: undefined } },
  ],
  [
    'complete hft_1_1_a --error late',
    'token-completed/1',
    'failed the step',
    { name: 'complete', request: { token: 'hft_1_1_a', result: undefined, error: 'late' } },
  ],
  [
    'emit door {"n":1} --lane urgent --subject s-1',
    'emitted/1',
    'emitted door',
    { name: 'emit', request: { name: 'door', payload: { n: 1 }, lane: 'urgent', subject: 's-1' } },
  ],
  ['nudge', 'nudged/1', '◌ OFFLINE for', { name: 'nudge', request: undefined }],
];

test.serial('each verb of repair passes on what it is given and says what it did', async (t) => {
  const { env, surface } = await serve(t);
  for (const [args, schema, says, asked] of verbs) {
    const [text, document] = await Promise.all([
      holdfast(args.split(' '), { env }),
      holdfast([...args.split(' '), '-o', 'json'], { env }),
    ]);
    t.deepEqual([text.code, document.code], [0, 0], `${args}: ${text.stderr}${document.stderr}`);
    t.true(text.stdout.startsWith(says), `${args}: ${text.stdout}`);
    t.is(json(document.stdout)['schema'], `holdfast.${schema}`, args);
    const calls = surface.calls.filter(({ name }) => name !== 'run').splice(0);
    t.deepEqual(calls.at(-1), asked as (typeof calls)[number], args);
  }
});

test.serial('show tells the step, the attempt, the next try, the last error and why', async (t) => {
  const { env } = await serve(t);

  const { code, stdout } = await holdfast(['workflow', 'show', 'busy'], { env });
  const entries = await holdfast(['workflow', 'show', 'busy', '--entries'], { env });

  t.is(code, 0);
  t.regex(stdout, /^state +↻ retrying, at authorize-payment, attempt 2$/m);
  t.regex(stdout, /^waits +for the next attempt of authorize-payment, in /m);
  t.regex(
    stdout,
    /^last +error of authorize-payment, attempt 2, .+ ago: Error: no·\[2Jcarrier \(ENETUNREACH\)$/m,
  );
  t.regex(stdout, /46,911 .+ ✓ +take-order +14 ms +1 +device/);
  t.regex(stdout, /↻ +authorize-payment +- +2 +device +waits for the next attempt of /);
  t.regex(entries.stdout, /46,911 .+ step\.completed +take-order/);
  t.true(Math.max(...entries.stdout.split('\n').map((line) => line.length)) < 400);
  t.regex(entries.stdout, /xxx… \(48\.8 KiB\)$/m);
  const whole = await holdfast(['workflow', 'show', 'busy', '-o', 'json'], { env });
  t.true(whole.stdout.includes('x'.repeat(50_000)), 'JSON has all of it');
});

test.serial('the beginning of an id stands for the one run that has it', async (t) => {
  const { env, surface } = await serve(t);

  const shown = await holdfast(['workflow', 'show', 'don', '-o', 'json'], { env });
  const signalled = await holdfast(['signal', 'bu', 'go'], { env });
  const exported = await holdfast(['workflow', 'export', 'busy'], { env });
  const waited = await holdfast(['wait', '--run', 'd'], { env });
  const ambiguous = await holdfast(['cancel', 'b'], { env });
  const none = await holdfast(['cancel', 'x'], { env });

  t.is(json(shown.stdout)['id'], 'done');
  t.deepEqual([signalled.code, signalled.stdout], [0, 'signalled busy: go\n']);
  t.like(json(exported.stdout), { schema: 'holdfast.history/1', run: 'busy' });
  t.is(waited.code, 0);
  t.is(ambiguous.code, 2);
  checkThreeLines(t, ambiguous, 'ambiguous');
  t.regex(ambiguous.stderr, /cause: b begins broken, busy$/m);
  t.is(none.code, 3);
  t.regex(none.stderr, /HF_RUN_UNKNOWN/);
  const cancels = surface.calls.filter(({ name }) => name === 'cancel');
  t.deepEqual(
    cancels.map(({ request }) => (request as { run: string }).run),
    ['b', 'x'],
    'nothing was cancelled under another id',
  );
});

test.serial('a file of lines starts each run once, whatever other lines are bad', async (t) => {
  const { dir, env, surface } = await serve(t);
  const file = join(dir, 'orders.ndjson');
  const good = ['{"id":"A-1"}', '', '{"id":2}', '{"id":"A-3"}\r'];
  const wrong = ['{"no":1}', '{', '{"id":"A-1","x":1}', '"text"'];
  await writeFile(file, [...good, ...wrong, '{"id":"A-4"}'].join('\n'));
  const args = ['start', 'checkout', '--input-lines', file];

  const first = await holdfast(args, { env });
  const again = await holdfast([...args, '--id-field', 'id', '-o', 'json'], { env });
  const piped = await holdfast(['start', 'checkout', '--input-lines', '-'], {
    env,
    stdin: '{"id":"A-5"}\n',
  });

  t.deepEqual([...surface.started.keys()], ['A-1', '2', 'A-3', 'A-4', 'A-5']);
  t.is(first.code, 1);
  t.is(first.stdout, 'started A-1\nstarted 2\nstarted A-3\nstarted A-4\n');
  for (const line of [5, 6, 7, 8]) t.regex(first.stderr, new RegExp(`^line ${line}: `, 'm'));
  t.regex(first.stderr, /HF_LINES_REFUSED/);
  t.is(again.code, 1);
  const summary = json(again.stdout.trim().split('\n').at(-1) ?? '');
  t.like(summary, { started: 0, attached: 4, refused: 4 });
  t.deepEqual([piped.code, piped.stderr], [0, '1 started, 0 already there\n']);
});

test.serial('what would fail for every line stops at the first and names it', async (t) => {
  const { env } = await serve(t);

  const ended = await holdfast(['start', 'nope', '--input-lines', '-'], {
    env,
    stdin: '{"id":"A-1"}\n{"id":"A-2"}\n',
  });

  t.is(ended.code, 3);
  checkThreeLines(t, ended, 'unknown workflow');
  t.regex(ended.stderr, /line 1/);
});

test.serial('wait exits with 7 when time is over and with 1 when the run failed', async (t) => {
  const { env } = await serve(t);

  const [late, broken, cancelled] = await Promise.all([
    holdfast(['wait', '--synced', '--timeout', '100ms'], { env }),
    holdfast(['wait', '--run', 'broken'], { env }),
    holdfast(['wait', '--run', 'cancelled', '-o', 'json'], { env }),
  ]);

  t.is(late.code, 7);
  checkThreeLines(t, late, 'late');
  t.is(broken.code, 1);
  checkThreeLines(t, broken, 'broken');
  t.regex(broken.stderr, /cause: TypeError: no·\[2Jpaper/);
  t.is(cancelled.code, 1);
  t.is(json(cancelled.stdout)['state'], 'cancelled');
  t.regex(cancelled.stderr, /HF_RUN_CANCELLED/);
});

test.serial('backlog --watch prints a document each time until all is synced', async (t) => {
  const { env, surface } = await serve(t);
  const watch = startHoldfast(t, ['backlog', '--watch=100ms', '--until-synced'], { env });

  const first = json(await watch.nextLine());
  surface.pending = 0;
  let last = first;
  while (last['pending'] !== 0) last = json(await watch.nextLine());

  t.is(first['pending'], 1_284);
  await t.throwsAsync(watch.nextLine());
  t.is(await watch.end('SIGKILL'), 0, 'it had ended by itself');
  t.regex(watch.stderr(), /^synced at \d\d:\d\d:\d\d UTC: 1,284 entries in /);
});

test.serial('journal tail -f prints each entry once, and 130 is an interrupt', async (t) => {
  const { env } = await serve(t);
  const tail = startHoldfast(t, ['journal', 'tail', '-f', '-o', 'jsonl'], { env });

  const row = json(await tail.nextLine());

  t.like(row, { schema: 'holdfast.journal-row/1', lane: 'normal', seq: 48_213 });
  t.is(await tail.end('SIGINT'), 130);
});

test.serial('a reader that goes away ends the command without a word', async (t) => {
  const { env } = await serve(t);
  const watch = startHoldfast(t, ['backlog', '--watch=100ms'], { env });

  await watch.nextLine();
  watch.child.stdout.destroy();
  const [code] = await new Promise<[number | null]>((resolve) => {
    watch.child.on('exit', (exitCode) => resolve([exitCode]));
  });

  t.is(code, 0);
  t.is(watch.stderr(), '');
});

/** `D` stands for the data directory of an agent that answers, `E` for an empty one. */
const bad: readonly (readonly [args: string, code: number, says?: RegExp])[] = [
  ['', 2, /a command is missing/],
  ['stauts', 2, /did you mean status/],
  ['workflow', 2, /a command is missing/],
  ['workflow lst', 2, /did you mean ls/],
  ['status', 2, /no agent is named/],
  ['status --sokcet x', 2, /did you mean --socket/],
  ['status --data-dir', 2, /argument missing/],
  ['status --data-dir D -o xml', 2, /text, json/],
  ['workflow ls --data-dir D --state asleep', 2, /waiting-signal/],
  ['workflow ls --data-dir D --since yesterday', 2, /neither a time such as/],
  ['status --data-dir D extra', 2, /too many arguments/],
  ['status --socket E/none.sock', 4, /there is no socket/],
  ['status --data-dir E', 3, /HF_DATA_DIR_MISSING/],
  ['start checkout --data-dir E', 4],
  ['start', 2, /missing required argument/],
  ['start checkout --data-dir D --input {', 2, /HF_INPUT_INVALID/],
  ['start checkout --data-dir D --input @E/none.json', 2, /ENOENT/],
  ['start checkout --data-dir D --input 1 --input-lines x', 2, /not both/],
  ['start checkout --data-dir D --id a --input-lines x', 2, /--id names one/],
  ['start checkout --data-dir D --id-field a', 2, /--input-lines only/],
  ['start checkout --data-dir D --input-lines E/none', 2, /ENOENT/],
  ['start checkout --data-dir D --input-lines E', 2, /directory/],
  ['start nope --data-dir D', 3, /HF_WORKFLOW_UNKNOWN/],
  ['workflow show nobody --data-dir D', 3, /HF_RUN_UNKNOWN/],
  ['workflow ls --limit none --data-dir D', 2, /integer from 1/],
  ['journal tail --lane fast --data-dir D', 2, /urgent, normal, bulk/],
  ['journal tail -n 0 --data-dir D', 2, /integer from 1/],
  ['backlog --watch=soon --data-dir D', 2, /HF_DURATION_INVALID/],
  ['backlog --watch=1ms --data-dir D', 2, /from 100ms to 1d/],
  ['backlog --watch --data-dir E', 4],
  ['wait --data-dir D', 2, /one of --synced/],
  ['wait --synced --run done --data-dir D', 2, /one of --synced/],
  ['wait --run nobody --data-dir D', 3],
  ['wait --synced --timeout never --data-dir D', 2, /HF_DURATION_INVALID/],
  ['signal busy --data-dir D', 2, /missing required argument/],
  ['signal busy go nonsense --data-dir D', 2, /HF_INPUT_INVALID/],
  ['cancel done --data-dir D', 6, /HF_RUN_FINISHED/],
  ['cancel', 2, /missing required argument/],
  ['workflow pause done --data-dir D', 6, /HF_RUN_FINISHED/],
  ['workflow pause nobody --data-dir D', 3, /HF_RUN_UNKNOWN/],
  ['workflow resume --data-dir D', 2, /missing required argument/],
  ['workflow resume busy --reason x --data-dir D', 2, /unknown option/],
  ['workflow retry done --data-dir D', 6, /HF_RUN_FINISHED/],
  ['workflow skip busy --data-dir D', 2, /missing required argument/],
  ['workflow skip busy pay {1} --data-dir D', 2, /HF_INPUT_INVALID/],
  ['workflow fork busy --data-dir D', 2, /missing required argument/],
  ['workflow export nobody --data-dir D', 3, /HF_RUN_UNKNOWN/],
  ['workflow export busy --data-dir E', 3, /HF_DATA_DIR_MISSING/],
  ['complete hft_9_9_z --data-dir D', 3, /HF_TOKEN_INVALID/],
  ['complete --data-dir D', 2, /missing required argument/],
  ['complete hft_1_1_a 1 --error x --data-dir D', 2, /not both/],
  ['emit door --lane fast --data-dir D', 2, /urgent, normal, bulk/],
  ['emit --data-dir D', 2, /missing required argument/],
  ['nudge --data-dir E', 4, /there is no socket/],
  ['nudge now --data-dir D', 2, /too many arguments/],
  ['explain HF_NOTHING', 2, /no error code HF_NOTHING/],
  ['run', 2, /required: --data-dir, --device, --code/],
  ['run --data-dir E --device d --code E/none.js', 78, /HF_CODE_UNREADABLE.+\n.+ENOENT/],
  ['run --data-dir E --device d --code E', 78, /not a file/],
  ['run --data-dir E --device d --code E/empty.mjs', 78, /exports no workflow/],
  ['run --data-dir E --device d --code E/syntax.mjs', 78, /syntax\.mjs:2: /],
  ['run --data-dir E --device d --code E/throws.mjs', 78, /throws\.mjs:2: no printer/],
  ['run --data-dir E --device d --code E/crons.mjs', 78, /schedules of .+\[0\] names nope/],
  ['run --data-dir E --device d/e --code E/flow.mjs', 78, /HF_CONFIG_INVALID/],
  ['run --data-dir E --device d --code E/flow.mjs --gateway http://x', 78, /HF_GATEWAY_ADDRESS/],
  ['run --data-dir E --device d --code E/flow.mjs --retention soon', 78, /--retention soon is no/],
  ['run --data-dir E --device d --code E/flow.mjs --page-port 65536', 78, /is no port/],
  ['run --data-dir E --device d --code E/flow.mjs --reconnect-max soon', 78, /is no duration/],
  ['run --data-dir E --device d --code E/flow.mjs --reconnect-max 1ms', 78, /from 1s to 1d/],
  ['run --data-dir /proc/x/y --device d --code E/flow.mjs', 78, /DATA_DIR_UNUSABLE.+\n.+makes no/],
  ['run --data-dir E/flow.mjs --device d --code E/flow.mjs', 78, /HF_DATA_DIR_UNUSABLE/],
  ['run --data-dir E --device d --code E/flow.mjs --socket D/agent.sock', 6, /HF_SOCKET_TAKEN/],
  [`run --data-dir E --device d --code E/flow.mjs --socket /${'x'.repeat(120)}`, 78, /107/],
];

const sources: Readonly<Record<string, string>> = {
  'empty.mjs': 'export const answer = 42;\n',
  'syntax.mjs': 'export const a = 1;\nexport const = 2;\n',
  'throws.mjs': '// A comment.\nthrow new Error("no printer");\n',
  'crons.mjs': `${flowSource()}
export const schedules = [{ cron: '* * * * *', workflow: 'nope' }];
`,
  'flow.mjs': flowSource(),
  'stray.mjs': `
const body = (ctx) => ctx.step('x', () => {
  // Out of reach of any catch.
  setTimeout(() => { throw new Error('stray'); }, 1);
});
export const stray = { kind: 'workflow', name: 'stray', version: 1, body };
`,
};

/** A workflow as a value: a file outside the checkout finds no packages. */
function flowSource(): string {
  return `
const body = async (ctx, input) => {
  const doubled = await ctx.step('double', () => input.n * 2);
  await ctx.waitFor('go');
  return { doubled };
};
export const doubler = { kind: 'workflow', name: 'doubler', version: 1, body };
`;
}

async function writeSources(dir: string): Promise<void> {
  for (const [name, source] of Object.entries(sources)) await writeFile(join(dir, name), source);
}

test.serial('whatever is wrong is told in three lines, with the right exit code', async (t) => {
  const { dir } = await serve(t);
  const other = await tempDir(t);
  await writeSources(other);
  const check = async ([args, code, says = /./]: (typeof bad)[number]): Promise<void> => {
    const words = args === '' ? [] : args.split(' ');
    const argv = words.map((word) => word.replace(/^D\b/, dir).replace(/^E\b/, other));
    const ended = await holdfast(argv, { cwd: other });
    t.is(ended.code, code, `${args}: ${ended.stderr}`);
    checkThreeLines(t, ended, args);
    t.regex(ended.stderr, says, args);
  };

  for (let at = 0; at < bad.length; at += 3) {
    await Promise.all(bad.slice(at, at + 3).map(check));
  }
});

test.serial('an agent runs, is asked, stops, is read while stopped, and goes on', async (t) => {
  const dir = await tempDir(t);
  await writeSources(dir);
  const env = { HOLDFAST_DATA_DIR: join(dir, 'data') };
  const args = ['run', '--device', 'pump-1', '--code', join(dir, 'flow.mjs'), '-o', 'json'];
  const ask = async (...words: readonly string[]) => {
    const ended = await holdfast([...words, '-o', 'json'], { env });
    t.is(ended.code, 0, `${words.join(' ')}: ${ended.stderr}`);
    return json(ended.stdout);
  };

  const agent = startHoldfast(t, args, { env });
  const ready = json(await agent.nextLine());
  t.like(ready, { schema: 'holdfast.ready/1', pid: agent.child.pid, device: 'pump-1', epoch: 1 });
  t.like(await ask('start', 'doubler', '--input', '{"n":21}', '--id', 'r-1'), { created: true });
  t.like(await ask('status'), { device: 'pump-1', agent: { running: true } });
  const second = await holdfast(args, { env });
  t.is(second.code, 6, second.stderr);
  checkThreeLines(t, second, 'a second agent on the same directory');

  t.is(await agent.end('SIGTERM'), 0, agent.stderr());
  const stopped = await ask('status');
  t.like(stopped, { device: 'pump-1', agent: { running: false }, link: { state: 'stopped' } });
  t.like(await ask('workflow', 'show', 'r-1'), { id: 'r-1', input: { n: 21 } });
  t.true(((await ask('journal', 'tail'))['rows'] as unknown[]).length > 0);
  t.is((await ask('backlog'))['pending'], (stopped['backlog'] as { pending: number }).pending);
  const unheard = await holdfast(['signal', 'r-1', 'go'], { env });
  t.is(unheard.code, 4);

  const again = startHoldfast(t, args, { env });
  await again.nextLine();
  t.like(await ask('start', 'doubler', '--input', '{"n":21}', '--id', 'r-1'), { created: false });
  await ask('signal', 'r-1', 'go');
  t.like(await ask('wait', '--run', 'r-1', '--timeout', '60s'), {
    state: 'completed',
    output: { doubled: 42 },
  });
  t.is(await again.end('SIGINT'), 0, again.stderr());
});

test.serial('L11 a killed agent leaves nothing in the way, and a fault ends one', async (t) => {
  const dir = await tempDir(t);
  await writeSources(dir);
  const env = { HOLDFAST_DATA_DIR: join(dir, 'data') };
  const args = ['run', '--device', 'pump-1', '--code', join(dir, 'stray.mjs')];

  const killed = startHoldfast(t, args, { env });
  t.regex(await killed.nextLine(), /^ready: device pump-1, epoch 1, pid \d+, socket \//);
  t.is(await killed.end('SIGKILL'), 'SIGKILL');
  const stopped = await holdfast(['status'], { env });
  t.is(stopped.code, 0, stopped.stderr);
  t.regex(stopped.stdout, /^◌ STOPPED: this device has journaled nothing yet\.$/m);

  const faulty = startHoldfast(t, [...args, '--log-format', 'json'], { env });
  await faulty.nextLine();
  const ended = new Promise((resolve) => faulty.child.on('close', resolve));
  await holdfast(['start', 'stray'], { env });
  t.is(await ended, 70);
  const line = json(faulty.stderr().trim().split('\n').at(-1) ?? '');
  t.like(line, { level: 'error', component: 'agent' });
  t.regex(String(line['error']), /stray\.mjs:4/);
});

test.serial('a silent agent is told from an absent one', async (t) => {
  const dir = await tempDir(t);
  await writeSources(dir);
  const env = { HOLDFAST_DATA_DIR: join(dir, 'data') };
  const args = ['run', '--device', 'pump-1', '--code', join(dir, 'flow.mjs')];
  const agent = startHoldfast(t, args, { env });
  await agent.nextLine();

  agent.child.kill('SIGSTOP');
  const asked = await holdfast(['status'], { env });
  agent.child.kill('SIGCONT');

  t.is(asked.code, 4);
  t.regex(asked.stderr, /does not answer within 10 s/);
  t.is(await agent.end('SIGTERM'), 0);
});
