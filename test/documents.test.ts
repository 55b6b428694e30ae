import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { runStates } from '@holdfast/agent/internal';
import test from 'ava';
import { apiPages, apiPagesUrl } from './support/api-pages.ts';
import { cliPages, cliPagesUrl } from './support/cli-pages.ts';
import { manPages, manUrl } from './support/man-pages.ts';
import { schemaDocuments, schemasUrl } from './support/schema-documents.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Package {
  readonly version: string;
  readonly license?: string;
  readonly workspaces?: readonly string[];
  readonly dependencies?: Readonly<Record<string, string>>;
  readonly devDependencies?: Readonly<Record<string, string>>;
  readonly optionalDependencies?: Readonly<Record<string, string>>;
  readonly optional?: boolean;
}

function read(path: string): string {
  return readFileSync(join(root, path), 'utf8');
}

function readPackage(folder: string): Package {
  return JSON.parse(read(join(folder, 'package.json')));
}

/** Rows `package version licence users` of what the workspaces depend on. */
function declared(): readonly string[] {
  const users = new Map<string, string[]>();
  const add = (user: string, dependencies: Readonly<Record<string, string>> = {}): void => {
    for (const [name, version] of Object.entries(dependencies)) {
      if (name.startsWith('@holdfast/')) continue;
      const { license } = readPackage(join('node_modules', name));
      const key = `${name} ${version} ${license}`;
      users.set(key, [...(users.get(key) ?? []), user]);
    }
  };
  const { workspaces = [], devDependencies } = readPackage('.');
  for (const workspace of workspaces) {
    const { dependencies, optionalDependencies, devDependencies: held } = readPackage(workspace);
    add(workspace, { ...dependencies, ...optionalDependencies, ...held });
  }
  add('root', devDependencies);
  return [...users].map(([key, names]) => `${key} ${names.join(', ')}`).toSorted();
}

test('docs/DEPENDENCIES.md lists what the workspaces depend on, with its licence', (t) => {
  const rows = read('docs/DEPENDENCIES.md')
    .split('\n')
    .filter((line) => line.startsWith('| `'))
    .map((line) => line.split('|').map((cell) => cell.trim()))
    .map(([, name = '', version, licence, users]) =>
      [name.replaceAll('`', ''), version, licence, users].join(' '),
    );

  t.deepEqual(rows.toSorted(), declared());
});

test('the lockfile has every dependency of every platform, as npm ci demands', (t) => {
  const { packages } = JSON.parse(read('package-lock.json')) as {
    packages: Readonly<Record<string, Package>>;
  };
  const missing = Object.entries(packages).flatMap(([path, { dependencies, ...rest }]) =>
    Object.keys({ ...dependencies, ...rest.optionalDependencies })
      .filter((name) => !isLocked(packages, path, name))
      .map((name) => `${name} of ${path === '' ? 'the root' : path}`),
  );

  t.deepEqual(missing, []);
});

/** Looks where Node looks: beside the package, then in each folder above it. */
function isLocked(packages: Readonly<Record<string, unknown>>, path: string, name: string) {
  for (let folder = path; ; folder = folder.slice(0, folder.lastIndexOf('/node_modules/'))) {
    if (Object.hasOwn(packages, join(folder, 'node_modules', name))) return true;
    if (!folder.includes('/node_modules/')) break;
  }
  return Object.hasOwn(packages, `node_modules/${name}`);
}

test('docs/reference/schemas describes what commands print, and nothing else', (t) => {
  const files = readdirSync(schemasUrl).toSorted();
  const written = new Map(
    files.map((file) => [file, readFileSync(new URL(file, schemasUrl), 'utf8')]),
  );

  t.deepEqual(written, new Map([...schemaDocuments()].toSorted(([a], [b]) => (a < b ? -1 : 1))));
});

test('the manual pages say what --help says', async (t) => {
  const again = 'node test/dist/support/man-pages.js';
  for (const [file, text] of await manPages()) {
    t.is(readFileSync(new URL(file, manUrl), 'utf8'), text, again);
  }
});

test('docs/reference/cli says what --help says, of every command', async (t) => {
  const again = 'node test/dist/support/cli-pages.js';
  const pages = await cliPages();
  t.deepEqual(readdirSync(cliPagesUrl).toSorted(), [...pages.keys()].toSorted(), again);
  for (const [file, text] of pages) {
    t.is(readFileSync(new URL(file, cliPagesUrl), 'utf8'), text, again);
  }
});

test('docs/reference/api says what the sources declare, of all that is published', (t) => {
  const again = 'node test/dist/support/api-pages.js';
  const pages = apiPages();
  t.deepEqual(readdirSync(apiPagesUrl).toSorted(), [...pages.keys()].toSorted(), again);
  for (const [file, text] of pages) {
    t.is(readFileSync(new URL(file, apiPagesUrl), 'utf8'), text, again);
  }
});

test('the promises are the same twelve in the README and in docs/GUARANTEES.md', (t) => {
  const promises = (path: string): readonly string[] =>
    [...read(path).matchAll(/^\| (P\d+ [^|]*) \| ([^|]*) \|/gm)].map(([, name, words]) =>
      `${name}: ${words}`.trim(),
    );

  t.is(promises('docs/GUARANTEES.md').length, 12);
  t.deepEqual(promises('README.md'), promises('docs/GUARANTEES.md'));
});

test('docs/guides/tracing.md shows the adapter that is compiled and tested', (t) => {
  const [, adapter] = /```ts\n(import [\s\S]*?)```\n/.exec(read('docs/guides/tracing.md')) ?? [];

  t.is(adapter, read('test/support/otel-tracer.ts'));
});

test('docs/guides/types.md shows what is compiled', (t) => {
  const [, guide] = /```ts\n(import [\s\S]*?)```\n/.exec(read('docs/guides/types.md')) ?? [];

  t.is(guide, read('test/types/guide.ts'));
});

/** One word for one idea. */
const words = [
  ...['device', 'agent', 'gateway', 'fleet', 'workflow', 'run', 'step', 'attempt', 'call'],
  ...['handler', 'signal', 'command', 'timer', 'schedule', 'condition', 'event', 'journal'],
  ...['entry', 'lane', 'seq', 'epoch', 'watermark', 'backlog', 'ledger', 'projection', 'uplink'],
  ...['downlink', 'hole', 'quarantine', 'stuck', 'shed', 'replay'],
];

test('docs/glossary.md has every word, and every state of a run', (t) => {
  const rows = [...read('docs/glossary.md').matchAll(/^\| ([^|]*) \| ([^|]+) \|$/gm)];
  const told = new Set(rows.flatMap(([, cell = '']) => cell.replaceAll('`', '').split(', ')));

  t.deepEqual(
    [...words, ...runStates].filter((word) => !told.has(word)),
    [],
  );
});

test('docs/comparison.md says when it was read, and what is better when', (t) => {
  const page = read('docs/comparison.md');

  t.regex(page, /^Read in [A-Z][a-z]+ 20\d\d; what others do may have changed since\./m);
  t.regex(page, /^## When something else is better$/m);
});

/** How many corners of durable execution there are in each section, A to O. */
const corners = [22, 18, 14, 11, 11, 9, 12, 6, 9, 5, 8, 13, 6, 7, 10];

const allCorners = corners.flatMap((count, section) =>
  Array.from({ length: count }, (_, index) => `${'ABCDEFGHIJKLMNO'[section]}${index + 1}`),
);

test('docs/reference/semantics.md says for every corner what was chosen', (t) => {
  const named = [...read('docs/reference/semantics.md').matchAll(/^\| ([^|]*) \|/gm)].flatMap(
    ([, cell = '']) => [...cell.matchAll(/([A-O])(\d+)(?:–[A-O](\d+))?/g)].flatMap(expand),
  );
  t.deepEqual(
    allCorners.filter((corner) => !named.includes(corner)),
    [],
  );
});

test('a test is named after every corner that is no mere limit', (t) => {
  const titles = readdirSync(join(root, 'test'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.test.ts') && !path.startsWith('dist'))
    .flatMap((path) => {
      const source = read(join('test', path));
      return [...source.matchAll(/\(\s*['"`]((?:[A-O]\d+ )+)/g)].map(([, title = '']) => title);
    });
  const tested = new Set(titles.flatMap((title) => title.trim().split(' ')));
  const limits = [...read('docs/reference/semantics.md').matchAll(/\b([A-O]\d+) †/g)];
  const untested = allCorners.filter((corner) => !tested.has(corner));

  t.deepEqual(
    untested,
    limits.map(([, corner]) => corner),
  );
});

/** `A3–A11` is nine corners. */
function expand([, section, first, last = first]: RegExpMatchArray): readonly string[] {
  const length = Number(last) - Number(first) + 1;
  return Array.from({ length }, (_, index) => `${section}${Number(first) + index}`);
}
