import test from 'ava';
import { Linter } from 'eslint';
import holdfast from '@holdfast/agent/eslint-plugin';

const linter = new Linter({ configType: 'flat' });
const globals = Object.fromEntries(
  ['fetch', 'setTimeout', 'setInterval', 'process', 'crypto', 'performance'].map((name) => [
    name,
    'readonly' as const,
  ]),
);

/** `rule line` of each finding. */
function findings(code: string): string[] {
  const config = [holdfast.configs.recommended, { languageOptions: { globals } }];
  return linter.verify(code, config).map(({ ruleId, line, message }) => {
    if (ruleId === null) throw new Error(message);
    return `${ruleId.replace('holdfast/', '')} ${line}`;
  });
}

/** A body of a workflow. */
const inWorkflow = (body: string): string =>
  `import { workflow } from '@holdfast/agent';
export const flow = workflow('flow', async (ctx, input) => {
${body}
});`;

const bad: readonly (readonly [rule: string, body: string])[] = [
  ['no-clock', 'const at = Date.now();'],
  ['no-clock', 'const at = new Date();'],
  ['no-clock', 'if (input.until < +new Date) return;'],
  ['no-clock', 'const at = Date();'],
  ['no-clock', 'const t = performance.now();'],
  ['no-clock', 'const all = [1].map(() => Date.now());'],
  ['no-chance', 'const x = Math.random();'],
  ['no-chance', 'const id = crypto.randomUUID();'],
  ['no-timers', 'await new Promise((done) => setTimeout(done, 5));'],
  ['no-timers', 'setInterval(() => {}, 5);'],
  ['no-requests', "const answer = await fetch('http://a');"],
  ['no-environment', 'const url = process.env.URL;'],
  ['no-environment', 'const { URL } = process.env;'],
  ['no-nested-steps', "await ctx.step('a', () => ctx.step('b', () => 1));"],
  ['no-nested-steps', "await ctx.step('a', async () => { await ctx.sleep(1); });"],
  ['no-nested-steps', "await ctx.step('a', () => ctx.random());"],
  ['no-nested-steps', "await ctx.step('a', f, { compensate: () => ctx.emit('x') });"],
  ['await-operations', "ctx.step('a', () => 1);"],
  ['await-operations', "ctx.sleep('1h');"],
  ['await-operations', "ctx.step('a', () => 1).then((x) => x + 1);"],
  ['await-operations', "ctx.emit('a');"],
  ['no-clock', 'await ctx.scope(async (inner) => Date.now()).result;'],
  ['await-operations', "await ctx.shielded(async (c) => { c.step('a', () => 1); });"],
  ['await-operations', "await ctx.map([1], async (item, c) => { c.emit('a'); });"],
  ['no-clock', 'await ctx.map([1], async (item, c) => Date.now());'],
  ['no-chance', 'await ctx.map([1], async function (item, c) { return Math.random(); });'],
  ['no-requests', "await ctx.map([1], async (item, c) => { await fetch('http://a'); });"],
  ['no-timers', 'await ctx.map([1], (item, c) => new Promise((r) => setTimeout(r, 1)));'],
  ['no-environment', 'async function part() { return process.env.URL; } await part();'],
  ['no-nested-steps', "await ctx.map([1], (i, c) => c.step('a', () => c.step('b', f)));"],
];

for (const [rule, body] of bad) {
  test(`K8 found: ${rule} · ${body}`, (t) => {
    t.deepEqual(findings(inWorkflow(body)), [`${rule} 3`]);
  });
}

const good: readonly string[] = [
  'const at = ctx.now(); const x = ctx.random(); const id = ctx.uuid();',
  'const day = new Date(ctx.now()); const then = new Date(2026, 1);',
  "await ctx.step('a', () => Date.now() + Math.random());",
  "await ctx.step('a', async () => { const r = await fetch('http://a'); return r.json(); });",
  "await ctx.step('a', () => 1, { compensate: () => fetch('http://undo') });",
  "await ctx.until('a', () => Date.now() > 5);",
  "const both = await Promise.all([ctx.step('a', () => 1), ctx.call('b')]);",
  "const later = ctx.step('a', () => 1); await later;",
  "void ctx.step('meant', () => 1);",
  "return ctx.step('a', () => 1);",
  "ctx.log('hello'); await ctx.step('a', () => ctx.log('inside'));",
  'const Date = { now: () => 1 }; const at = Date.now();',
  'const fetch = (x) => x; fetch(1);',
  "const part = ctx.scope(async (c) => c.sleep(1)); part.cancel(); await part.result;",
  "const env = await ctx.step('env', () => process.env.URL);",
  "await ctx.step('a', async () => { await Promise.all([1].map(async () => fetch('b'))); });",
  "await ctx.step('a', async () => { await new Promise((r) => setTimeout(r, 1)); });",
  "await ctx.step('a', async function () { return Date.now() + Math.random(); });",
  "await ctx.map([1], (i, c) => c.step('a', async () => [await fetch('b'), Date.now()]));",
];

for (const body of good) {
  test(`K8 not found: ${body}`, (t) => {
    t.deepEqual(findings(inWorkflow(body)), []);
  });
}

test('K8 functions that are handed to workflow by name are looked at', (t) => {
  const declared = `import { workflow } from '@holdfast/agent';
    async function body(c) { return Date.now(); }
    const other = async (c) => { c.sleep(1); };
    workflow('a', body); workflow('b', other);`;
  t.deepEqual(findings(declared), ['no-clock 2', 'await-operations 3']);
});

test('helpers that take ctx are looked at, in files that use Holdfast only', (t) => {
  const helper = 'async function pay(ctx) { const at = Date.now(); ctx.sleep(1); }';
  t.deepEqual(findings(helper), []);
  const ours = `import { TerminalError } from '@holdfast/agent';\n${helper}`;
  t.deepEqual(findings(ours), ['no-clock 2', 'await-operations 2']);
});

test('code outside of workflows is left alone', (t) => {
  const code = `import { Agent, workflow } from '@holdfast/agent';
    const started = Date.now();
    setTimeout(() => fetch('http://a'), Math.random());
    function helper() { return process.env.URL; }
    workflow('a', async (ctx) => ctx.step('a', helper));`;
  t.deepEqual(findings(code), []);
});
