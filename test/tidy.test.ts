import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { listFiles } from './support/tidy/files.ts';
import { findFunctions } from './support/tidy/functions.ts';
import { checkLayers, placeOf } from './support/tidy/layers.ts';
import { checkSource, checkText } from './support/tidy/rules.ts';
import { readSource, type Source, type Violation } from './support/tidy/source.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const notText = /\.(?:png|ico|woff2|gif|bin|cbor)$/;
const texts = listFiles()
  .filter((path) => !notText.test(path))
  .map((path) => ({ path, text: readFileSync(join(root, path), 'utf8') }));
const sources = texts
  .filter(({ path }) => /\.(?:tsx?|m?js)$/.test(path))
  .map(({ path, text }) => readSource(path, text));

function show(violations: readonly Violation[]): readonly string[] {
  return violations.map(({ path, line, rule }) => `${path}:${line} ${rule}`);
}

test('the house imports what its layers allow', (t) => {
  t.deepEqual(show(sources.flatMap(checkLayers)), []);
});

test('the sources keep to the sizes and the words of the house', (t) => {
  t.true(sources.length > 20, 'the sources were found');
  t.deepEqual(show(sources.flatMap(checkSource)), []);
});

test('no file names a machine or a registry', (t) => {
  t.deepEqual(show(texts.flatMap(({ path, text }) => checkText(path, text))), []);
});

test('the table of layers and the list of packages agree with the workspaces', (t) => {
  const { workspaces } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const workspace of workspaces) t.not(placeOf(`${workspace}/src/mod.ts`), undefined);
});

// The rules are rules only if they find what breaks them.

function source(path: string, text: string): Source {
  return readSource(path, text);
}

function rulesBroken(path: string, text: string): readonly string[] {
  return [...checkLayers(source(path, text)), ...checkSource(source(path, text))].map(
    ({ line, rule }) => `${line} ${rule}`,
  );
}

const forbiddenImports: readonly (readonly [path: string, specifier: string])[] = [
  ['protocol/src/base/units.ts', '../wire/entry.ts'],
  ['protocol/src/base/units.ts', 'node:fs'],
  ['protocol/src/wire/entry.ts', 'level'],
  ['agent/src/core/journal.ts', '../io/level-store.ts'],
  ['agent/src/core/journal.ts', 'node:crypto'],
  ['agent/src/core/journal.ts', 'level'],
  ['agent/src/core/journal.ts', '../agent.ts'],
  ['agent/src/io/level-store.ts', '../cli/main.ts'],
  ['agent/src/io/level-store.ts', '@holdfast/gateway'],
  ['agent/src/cli/status.ts', '../io/level-store.ts'],
  ['agent/src/cli/status.ts', 'mqtt'],
  ['agent/src/agent.ts', '@holdfast/gateway'],
  ['gateway/src/gateway.ts', '@holdfast/agent'],
  ['gateway/src/core/session.ts', '../../../agent/src/core/journal.ts'],
  ['device-sim/src/fleet.ts', '../../agent/src/io/level-store.ts'],
  ['device-sim/src/fleet.ts', '@holdfast/agent/dist/agent.js'],
  ['examples/checkout/workflow.ts', '@holdfast/agent/internal'],
  ['agent/src/agent.ts', '../../test/support/sim-store.ts'],
];

for (const [path, specifier] of forbiddenImports) {
  test(`${path} may not import ${specifier}`, (t) => {
    for (const statement of [
      `import { x } from '${specifier}';`,
      `import type { X } from '${specifier}';`,
      `import '${specifier}';`,
      `export * from '${specifier}';`,
      `const x = await import('${specifier}');`,
      `import {\n  x,\n} from '${specifier}';`,
    ]) {
      t.is(checkLayers(source(path, `${statement}\n`)).length, 1, statement);
    }
  });
}

test('what the layers allow is not reported', (t) => {
  const allowed = {
    'agent/src/core/journal.ts': ['@holdfast/protocol', './run.ts'],
    'agent/src/io/level-store.ts': ['node:fs', 'level', '../core/journal.ts', '@holdfast/protocol'],
    'agent/src/agent.ts': ['./io/level-store.ts', './core/journal.ts'],
    'agent/src/cli/main.ts': ['../agent.ts', 'commander', './status.ts'],
    'test/unit/agent/journal.test.ts': ['ava', '../../../agent/src/core/journal.ts'],
    'examples/checkout/workflow.ts': ['@holdfast/agent', './orders.ts'],
  };
  for (const [path, specifiers] of Object.entries(allowed)) {
    const text = specifiers.map((each) => `import { x } from '${each}';\n`).join('');
    t.deepEqual(checkLayers(source(path, text)), []);
  }
});

test('imports in strings and comments are none', (t) => {
  const text = [
    "// import { x } from 'level';",
    'const text = "import { x } from \'level\';";',
    "const line = `import { x } from 'level';`;",
  ].join('\n');
  t.deepEqual(source('agent/src/core/a.ts', text).imports, []);
});

test('a file outside of the places of the house is found', (t) => {
  t.deepEqual(rulesBroken('agent/lib/a.ts', ''), ['1 the file is in a place that the house has']);
});

const planted: readonly (readonly [rule: string, path: string, text: string])[] = [
  ['a line has ≤ 100 columns', 'agent/src/core/a.ts', `const a = '${'x'.repeat(100)}';\n`],
  ['a file has ≤ 500 lines', 'agent/src/core/a.ts', '\n'.repeat(501)],
  ['a file has ≤ 600 lines', 'test/unit/agent/a.test.ts', '\n'.repeat(601)],
  ['a file is in kebab-case', 'agent/src/core/groupCommit.ts', ''],
  ['a file names its one concept', 'agent/src/core/utils.ts', ''],
  ['a file names its one concept', 'agent/src/core/store-manager.ts', ''],
  ['errors come from the catalogue', 'agent/src/io/a.ts', "throw new Error('no');\n"],
  ['pure code takes time', 'agent/src/core/a.ts', 'const at = Date.now();\n'],
  ['pure code takes time', 'gateway/src/core/a.ts', 'const at = new Date();\n'],
  ['pure code takes time', 'protocol/src/wire/a.ts', 'const x = `${Math.random()}`;\n'],
  ['pure code takes time', 'protocol/src/base/a.ts', 'setTimeout(f, 1);\n'],
  ['pure code takes time', 'agent/src/core/a.ts', "console.log('x');\n"],
  ['any is explained', 'agent/src/io/a.ts', 'function f(x: any): void {}\n'],
  ['any is explained', 'agent/src/io/a.ts', 'const x = y as any;\n'],
  ['any is explained', 'agent/src/io/a.ts', 'type X = Record<string, any>;\n'],
  ['a non-null assertion is explained', 'agent/src/io/a.ts', 'const x = y!.z;\n'],
  ['a non-null assertion is explained', 'agent/src/io/a.ts', 'const x = y[0]!;\n'],
  ['a double assertion is explained', 'agent/src/io/a.ts', 'const x = y as unknown as Z;\n'],
  ['every test runs', 'test/unit/agent/a.test.ts', "test.only('x', f);\n"],
  ['what is missing is an issue', 'agent/src/io/a.ts', '/* TODO later */\n'],
  ['the compiler is not switched off', 'agent/src/io/a.ts', '// @ts-ignore\n'],
  ['a rule is switched off with its reason', 'agent/src/io/a.ts', '// eslint-disable x\n'],
  ['a function has ≤ 4 parameters', 'agent/src/io/a.ts', 'function f(a, b, c, d, e) {}\n'],
  ['a function has ≤ 4 parameters', 'agent/src/io/a.ts', 'const f = (a, b, c, d, e) => 1;\n'],
  [
    'a function has ≤ 4 parameters',
    'agent/src/io/a.ts',
    'interface A { f(a: 1, b: 1, c: 1, d: 1, e: 1): void; }\n',
  ],
  [
    'a function has ≤ 70 lines',
    'agent/src/io/a.ts',
    `class A {\n  f(): { a: 1 } {${'\n'.repeat(70)}}\n}\n`,
  ],
  [
    'a function has ≤ 70 lines',
    'gateway/web/a.tsx',
    `function A() {\n  return <p class="a">It's {b} <br /></p>;${'\n'.repeat(70)}}\n`,
  ],
  ['a line has ≤ 100 columns', 'gateway/web/a.tsx', `const a = <p>${'x'.repeat(100)}</p>;\n`],
  ['a function has ≤ 70 lines', 'agent/src/io/a.ts', `f(async (x) => {${'\n'.repeat(70)}});\n`],
];

for (const [rule, path, text] of planted) {
  test(`found: ${rule} · ${path} ${JSON.stringify(text.slice(0, 50))}`, (t) => {
    const broken = rulesBroken(path, text);
    t.is(broken.length, 1, broken.join('\n'));
    t.true(broken[0]?.includes(rule), broken[0]);
  });
}

test('what only looks like a violation is none', (t) => {
  const text = [
    "const a = 'new Error(1) Date.now() y! any console.log';",
    '// new Error(1), Date.now() and console.log in a comment',
    'const b = /new Error(1)|y![.]|`/.test(`Date.now() ${a !== c} y!`);',
    'const d = new Date(clock.nowMs());',
    'const e = await Promise.any([a, b]);',
    'const f = list[0]!; // The list is never empty.',
    '// The list is never empty.',
    'const g = list[0]!;',
    'const h = this.process.nowMs() / 2 / 3;',
    'const i = many ? call(a, b, c, d, e) : { a };',
    'if (call(a, b, c, d, e)) {',
    '}',
  ].join('\n');
  t.deepEqual(rulesBroken('agent/src/core/a.ts', text), []);
});

test('what looks like a violation in the markup of a page is none', (t) => {
  const text = [
    'const A = () => (',
    '  <p>',
    "    It's <b>{a}</b> (of <i>that device's</i>) <br />",
    '  </p>',
    ');',
    ...Array.from({ length: 80 }, () => 'const b = <br />;'),
  ].join('\n');
  t.deepEqual(rulesBroken('gateway/web/a.tsx', text), []);
});

test('functions are measured from their parameters to the end of their body', (t) => {
  const text = [
    'export function f<T extends { a: 1 }>(',
    '  { a, b }: { a: 1; b: (c: 1, d: 1) => void },',
    '  e = [1, 2],',
    '): Promise<Map<string, { a: 1 }>> {',
    '  return g(1, 2);',
    '}',
    'const h = (x: number): readonly string[] | { a: 1 } => {',
    '  if (x) { y(); }',
    '};',
  ].join('\n');
  t.deepEqual(
    findFunctions(readSource('a.ts', text).code).filter(({ lines }) => lines > 0),
    [
      { line: 1, lines: 6, parameters: 2 },
      { line: 7, lines: 3, parameters: 1 },
    ],
  );
});

test('a path of a machine and an address of a registry are found', (t) => {
  for (const folder of ['work', 'root', 'home', 'tmp']) {
    t.is(checkText('docs/a.md', `see /${folder}/main for it`).length, 1, folder);
    t.is(checkText('a.ts', `const a = '/${folder}';`).length, 1, folder);
  }
  const host = ['registry', 'npmjs', 'org'].join('.');
  t.is(checkText('a.json', `"x": "https://${host}/a"`).length, 1);
  t.deepEqual(checkText('a.md', 'GET /api/work/1, ./tmp/x, ~/home and /workflow'), []);
});
