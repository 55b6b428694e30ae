import { execFile } from 'node:child_process';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ava, { type ExecutionContext } from 'ava';
import { parse } from 'smol-toml';
import {
  faultKinds,
  findScenario,
  htmlOf,
  judged,
  junitOf,
  parseScenario,
  plantedBugs,
  scenarioFields,
  scenarioNames,
  scenarioSchema,
  scenarioText,
  shrink,
  simulate,
} from '@holdfast/device-sim/internal';
import { codeOf, messageOf } from '@holdfast/protocol';

// A virtual world takes the clock and chance of its whole process away: one at a time.
const test = ava.serial;
const cli = fileURLToPath(new URL('../../../device-sim/bin/holdfast-sim.js', import.meta.url));
const run = promisify(execFile);
const sim = (...args: readonly string[]) => run(process.execPath, [cli, ...args]);

async function dirOf(t: ExecutionContext): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'hf-scenario-'));
  t.teardown(() => rm(dir, { recursive: true }));
  return dir;
}

const telling = { again: 'holdfast-sim run x --seed 1', tookMs: 12 };

type Mistake = readonly [
  text: string,
  line: number,
  what: RegExp,
  /** What only a look at several values tells, or at no TOML at all, is beyond a schema. */
  isOfValues?: false,
];

const mistakes: readonly Mistake[] = [
  ['devices = 3\nspeed = 4\n', 2, /there is no speed/],
  ['[werk]\n', 1, /there is no table \[werk\]/],
  ['[work]\nrun-every = "1m"\nrun_every = "1m"\n', 3, /there is no run_every in \[work\]/],
  ['duration = "-5m"\n', 1, /never negative/],
  ['duration = 300\n', 1, /a time is a text/],
  ['devices = 0\n', 1, /whole number from 1/],
  ['[broker]\ndrop = 1.5\n', 2, /from 0 to 1/],
  ['[[fault]]\nkind = "flood"\nevery = "1m"\nfor = "1m"\n', 2, /there is no fault flood/],
  ['[[fault]]\nkind = "kill"\nfor = "1m"\n', 1, /either every, or at/],
  ['[[fault]]\nkind = "kill"\nevery = "1m"\nfor = "0s"\n', 4, /longer than nothing/, false],
  ['[[fault]]\nkind = "kill"\nevery = "1m"\n', 1, /it needs for/],
  ['duration = "5m"\n[[fault]]\nkind = "kill"\nat = "9m"\nfor = "1m"\n', 4, /not within/, false],
  [
    `${'[[fault]]\nkind = "kill"\nevery = "1m"\nfor = "1m"\n'.repeat(2)}kbit = 9\n`,
    9,
    /there is no kbit/,
  ],
  ['[[fault]]\nkind = "broker-down"\nevery = "1m"\nfor = "1m"\ndevices = 2\n', 5, /to the fleet/],
  [
    'devices = 2\n[[fault]]\nkind = "kill"\nevery = "1m"\nfor = "1m"\ndevices = 3\n',
    6,
    /are 2/,
    false,
  ],
  ['devices = = 3\n', 1, /./, false],
];

test('a scenario with a mistake names the line of it', (t) => {
  for (const [text, line, what] of mistakes) {
    const error = t.throws(() => parseScenario(text, 'my.toml', 'my'), undefined, text);
    t.is(codeOf(error), 'HF_CONFIG_INVALID');
    t.regex(messageOf(error), new RegExp(`my\\.toml:${line}: `), text);
    t.regex(messageOf(error), what);
  }
});

test('a scenario reads the same again from the file that is written of it', (t) => {
  for (const name of scenarioNames()) {
    const scenario = findScenario(name);
    t.deepEqual(parseScenario(scenarioText(scenario), name, name), scenario, name);
  }
});

const schemaUrl = new URL('../../../device-sim/scenarios/scenario.schema.json', import.meta.url);

test('scenario.schema.json takes what is read, and nothing else', async (t) => {
  const schema = `${JSON.stringify(scenarioSchema(), undefined, 2)}\n`;
  if (process.env['SNAPSHOTS'] === 'write') await writeFile(schemaUrl, schema);
  t.is(
    await readFile(schemaUrl, 'utf8'),
    schema,
    'SNAPSHOTS=write npx ava test/dist/sim/scenarios',
  );
  const isValid = new Ajv2020({ strict: false }).compile(scenarioSchema());
  for (const name of scenarioNames()) {
    t.true(isValid(parse(scenarioText(findScenario(name)))), name);
  }
  for (const [text, , , isOfValues = true] of mistakes) {
    if (!isOfValues) continue;
    t.false(isValid(parse(text)), text);
  }
});

test('docs/SIMULATION.md has every scenario, key and kind of fault', async (t) => {
  const text = await readFile(new URL('../../../docs/SIMULATION.md', import.meta.url), 'utf8');
  const keys = Object.values(scenarioFields).flatMap((fields) => Object.keys(fields));
  const params = Object.values(faultKinds).flatMap(({ params: of }) => Object.keys(of));
  for (const name of [...scenarioNames(), ...keys, ...Object.keys(faultKinds), ...params]) {
    t.true(text.includes(`\`${name}\``), name);
  }
});

test('docs/SIMULATION.md names the functions that judge each promise', async (t) => {
  const text = await readFile(new URL('../../../docs/SIMULATION.md', import.meta.url), 'utf8');
  const rows = text.match(/^\| P\d+ \| [^|]*\| [^|]*\|$/gm) ?? [];
  const sources = new URL('../../../device-sim/src/virtual/', import.meta.url);
  const files = await readdir(sources);
  const code = await Promise.all(files.map((file) => readFile(new URL(file, sources), 'utf8')));

  t.deepEqual(
    rows.map((row) => row.split(' | ')[0]?.slice(2)),
    judged.map(([promise]) => promise),
  );
  for (const name of rows.join().match(/(?<=`)\w+(?=`)/g) ?? []) {
    t.true(
      code.some((each) => each.includes(name)),
      name,
    );
  }
});

test('a failure is made smaller, and still fails', async (t) => {
  t.timeout(120_000);
  const bug = plantedBugs['the gateway checks no signatures'];
  const scenario = { ...findScenario('storm'), durationMs: 90_000 };
  const seed = 1;

  const smaller = await shrink({ scenario, seed, bug });

  t.true((await simulate({ scenario: smaller, seed, bug })).violations.length > 0);
  t.is(smaller.devices, 1);
  t.true(smaller.faults.length < 3, JSON.stringify(smaller.faults));
  t.true(smaller.weather.corrupt + smaller.forging > 0, 'what it takes is left');
});

test('a report is JUnit XML, and a page that needs nothing else', async (t) => {
  const scenario = { ...findScenario('storm'), durationMs: 120_000 };
  const held = await simulate({ scenario, seed: 3 });
  const bug = plantedBugs['the gateway checks no signatures'];
  const broken = await simulate({ scenario, seed: 1, bug });

  t.deepEqual(held.violations, []);
  t.regex(junitOf(held, telling), /failures="0"/);
  t.true(broken.violations.length > 0);
  t.regex(junitOf(broken, telling), /<failure message="[^"]+">again: /);
  t.notRegex(junitOf(broken, telling), /failures="0"/);
  for (const report of [held, broken]) {
    const page = htmlOf(report, telling);
    t.is(page.match(/<svg /g)?.length, 3);
    t.notRegex(page, /<script|<link|src=|https?:/);
    for (const { device } of report.fleet) t.true(page.includes(`>${device}</td>`));
    const kinds = new Set(report.timeline.map(({ kind }) => kind));
    for (const kind of kinds) t.true(page.includes(`>${kind}</text>`), kind);
  }
});

test('Ctrl-C ends a world with a report of what has been', async (t) => {
  const stop = new AbortController();
  const scenario = findScenario('calm');
  let looks = 0;
  const onLook = (): void => {
    looks += 1;
    if (looks === 10) stop.abort();
  };

  const report = await simulate({ scenario, seed: 1, onLook, signal: stop.signal });

  t.true(report.isCutShort);
  t.true(report.virtualMs < scenario.durationMs / 2);
  t.true(report.entries > 0);
  t.deepEqual(report.violations, []);
});

const FLOW = `
import { workflow } from '@holdfast/agent';
export const order = workflow('order', async (ctx, { id }) => {
  const key = await ctx.step('pay', ({ idempotencyKey }) => idempotencyKey);
  await ctx.sleep('20s');
  const { left } = await ctx.call('stock.take', { id });
  return { key, left, at: ctx.now() };
});
export const handlers = { 'stock.take': ({ id }) => ({ left: id.length }) };
`;
const HASTY = `
import { setTimeout as pause } from 'node:timers/promises';
import { workflow } from '@holdfast/agent';
export const order = workflow('order', async (ctx) => {
  await ctx.step('wait', () => pause(10));
});
`;
const OWN = `
about = "my shop"
devices = 2
duration = "10m"

[[start]]
workflow = "order"
every = "1m"
input = { id = "$id" }

[[fault]]
kind = "outage"
every = "2m"
for = "1m"
`;

test('users bring workflows; what reaches for real time is told by name', async (t) => {
  const dir = await dirOf(t);
  // From where packages of the house are found.
  const flow = fileURLToPath(new URL(`../dist-own-${process.pid}.mjs`, import.meta.url));
  t.teardown(() => rm(flow, { force: true }));
  const scenario = join(dir, 'shop.toml');
  await writeFile(scenario, OWN);
  const page = join(dir, 'shop.html');
  const args = ['run', scenario, '--code', flow, '--seed', '2', '-o', 'json'];

  await writeFile(flow, FLOW);
  const [first, second] = await Promise.all([sim(...args, '--html', page), sim(...args)]);
  await writeFile(flow, HASTY);
  const failed = await sim(...args).catch((error: unknown) => error);

  t.is(first.stdout, second.stdout);
  const report = JSON.parse(first.stdout) as { runs: number; mishaps: Record<string, number> };
  t.true(report.runs > 5);
  t.true((report.mishaps['outage'] ?? 0) > 0);
  t.true((await readFile(page, 'utf8')).startsWith('<!doctype html>'));
  const { code, stdout } = failed as { code: number; stdout: string };
  t.is(code, 9);
  t.regex(stdout, /timers\/promises\.setTimeout was called: a workflow waits with ctx\.sleep/);
});

test('commands that are not right say so with exit code 2 or 1, and begin nothing', async (t) => {
  const dir = await dirOf(t);
  const scenario = join(dir, 'shop.toml');
  await writeFile(scenario, OWN);
  for (const [args, what] of [
    [['run', 'no-such'], /there is no scenario no-such; there are bit-rot, brownout/],
    [['run', join(dir, 'none.toml')], /none\.toml cannot be read/],
    [['run', scenario], /--code names the file/],
    [['run', 'calm', '--seed', '-1'], /--seed is -1/],
    [['run', 'calm', '-o', 'yaml'], /must be text or json/],
  ] as const) {
    const error = (await sim(...args).catch((failure: unknown) => failure)) as {
      readonly code: number;
      readonly stderr: string;
    };
    t.true([1, 2, 78].includes(error.code), `${args.join(' ')}: ${error.code}`);
    t.regex(error.stderr, what);
    t.notRegex(error.stderr, /\n\s+at /);
  }
});
