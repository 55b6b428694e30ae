import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile, symlink, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { settingsInText } from '@holdfast/agent/internal';
import { parseScenario } from '@holdfast/device-sim/internal';
import { applyConfig } from '@holdfast/gateway/internal';
import test from 'ava';
import { parse } from 'yaml';
import { givenFiles } from './support/given.ts';
import { pageBlocks, programsIn, type PageBlock } from './support/page-blocks.ts';
import { typedCommands, wrongWith } from './support/typed-commands.ts';
import { allPrograms } from './support/programs.ts';
import { tempDir } from './support/temp-dir.ts';
import { listFiles } from './support/tidy/files.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));

interface Page {
  readonly path: string;
  readonly text: string;
}

async function readPages(): Promise<readonly Page[]> {
  const paths = listFiles().filter((path) => /\.md$|^llms\.txt$/.test(path));
  return Promise.all(
    paths.map(async (path) => ({ path, text: await readFile(join(root, path), 'utf8') })),
  );
}

async function readBlocks(): Promise<readonly PageBlock[]> {
  return (await readPages()).flatMap(({ path, text }) => pageBlocks(path, text));
}

/** What a heading is called in an address. */
function anchor(heading: string): string {
  return heading
    .toLowerCase()
    .replace(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');
}

function anchors(text: string): ReadonlySet<string> {
  return new Set([...text.matchAll(/^#+ (.*)$/gm)].map(([, heading = '']) => anchor(heading)));
}

const withoutCode = (text: string): string => text.replace(/^```.*?^```$/gms, '');

test('every link of a page leads to a file that is there, and to a heading of it', async (t) => {
  const pages = await readPages();
  const textOf = new Map(pages.map(({ path, text }) => [path, text]));
  const dead: string[] = [];
  for (const { path, text } of pages) {
    for (const [, link = ''] of withoutCode(text).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(link)) continue;
      const [file = '', fragment] = link.split('#');
      const target = file === '' ? path : join(dirname(path), file);
      const isThere = existsSync(join(root, target));
      const heads = fragment === undefined ? undefined : textOf.get(target);
      if (!isThere || (heads !== undefined && !anchors(heads).has(String(fragment)))) {
        dead.push(`${path}: ${link}`);
      }
    }
  }

  t.deepEqual(dead, []);
});

/** What the compiler says of JavaScript that has no types to go by. */
const NO_TYPES = /\.js\(.*error TS(?:7006|7031|2532|2339): (?!.*on type '(?!unknown'))/;

test('every block of code in the pages is right by the compiler', async (t) => {
  const dir = await tempDir(t);
  await symlink(join(root, 'node_modules'), join(dir, 'node_modules'));
  await writeFile(join(dir, 'package.json'), '{"type":"module"}');
  await writeFile(join(dir, 'tsconfig.json'), JSON.stringify(compilerOptions));
  for (const [name, text] of Object.entries(givenFiles)) await writeFile(join(dir, name), text);
  let count = 0;
  for (const { path, line, language, text } of await readBlocks()) {
    if (!['ts', 'js'].includes(language) || isMade(path)) continue;
    count += 1;
    const name = `${path.replaceAll(/[/.]/g, '_')}_${line}.${language}`;
    await writeFile(join(dir, name), `${text}export {};\n`);
  }
  const compiler = join(root, 'node_modules', '.bin', 'tsc');
  const { stdout } = spawnSync(compiler, ['-p', dir, '--pretty', 'false'], { encoding: 'utf8' });
  const wrong = stdout.split('\n').filter((line) => /error TS/.test(line) && !NO_TYPES.test(line));

  t.true(count > 25, String(count));
  t.deepEqual(wrong, []);
});

/** Pages that are made from what they tell of, whose blocks need not say what they are. */
const isMade = (path: string): boolean => /^docs\/reference\/(?:api|cli)\//.test(path);

/** Looked at by the compiler, as commands, by a parser, or, as what is shown, by nobody. */
const languages: ReadonlySet<string> = new Set(['ts', 'js', 'sh', 'toml', 'yaml', 'text']);

test('every block of a page says what it is, so that it is looked at as that', async (t) => {
  const blocks = await readBlocks();
  const unknown = blocks.filter(
    ({ path, language }) => !languages.has(language) && !(isMade(path) && language === ''),
  );

  t.true(blocks.length > 400, String(blocks.length));
  t.deepEqual(
    unknown.map(({ path, line, language }) => `${path}:${line}: ${language}`),
    [],
  );
});

test('every file of settings, of a scenario or of YAML in the pages can be read', async (t) => {
  const serve = (await allPrograms())
    .get('holdfast-gateway')
    ?.commands.find((each) => each.name() === 'serve');
  const dir = await tempDir(t);
  let count = 0;
  for (const { path, line, language, text } of await readBlocks()) {
    const place = `${path}:${line}`;
    if (language === 'yaml') t.notThrows(() => parse(text), place);
    if (language !== 'toml') continue;
    count += 1;
    if (path === 'docs/SIMULATION.md') t.notThrows(() => parseScenario(text, place, 'page'), place);
    else if (path.includes('gateway') && serve !== undefined) {
      await writeFile(join(dir, 'gateway.toml'), text);
      await t.notThrowsAsync(applyConfig(serve, join(dir, 'gateway.toml')), place);
    } else await t.notThrowsAsync(settingsInText({ path: place, text }), place);
  }

  t.true(count >= 4, String(count));
});

/** Programs of others, which a reader has or is told to get. Those of a shell are among them. */
const others: ReadonlySet<string> = new Set([
  ...['cat', 'cd', 'cp', 'echo', 'export', 'grep', 'kill', 'mkdir', 'read', 'sed', 'sh', 'sleep'],
  ...['tee', 'true', 'wait', 'adduser', 'apt', 'curl', 'docker', 'esbuild', 'gpiomon', 'openssl'],
  ...['systemctl', 'systemd-creds'],
]);

test('every other command in the pages is a script, a file, or a known program', async (t) => {
  const programs = await allPrograms();
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const isThere = (path: string): boolean =>
    existsSync(join(root, path.replace(/^(\w+)\/dist\/(.*)\.js$/, '$1/$2.ts')));
  const isRight = ([program = '', verb = '', name = '']: readonly string[]): boolean => {
    if (programs.has(program)) return true;
    if (program === 'npm') return verb !== 'run' || name in scripts;
    if (program === 'node' || program === 'sh' || program === 'python3') return isThere(verb);
    return others.has(program);
  };
  const wrong = (await readBlocks())
    .filter(({ language }) => language === 'sh')
    .flatMap(({ path, text }) =>
      programsIn(text)
        .filter((words) => !isRight(words))
        .map((words) => `${path}: ${words.join(' ')}`),
    );

  t.deepEqual(wrong, []);
});

test('every command of ours in the pages is one that there is, with its options', async (t) => {
  const programs = await allPrograms();
  const wrong: string[] = [];
  let count = 0;
  for (const { path, text } of await readPages()) {
    for (const line of typedCommands(text, [...programs.keys()])) {
      count += 1;
      const why = wrongWith(line, programs);
      if (why !== undefined) wrong.push(`${path}: ${line.join(' ')}: ${why}`);
    }
  }

  t.true(count > 150, String(count));
  t.deepEqual(wrong, []);
});

test('a fresh Raspberry Pi takes five commands to its first synced run', async (t) => {
  const text = await readFile(join(root, 'docs/install/raspberry-pi.md'), 'utf8');
  const [, commands = ''] = /^```sh\n(.*?)^```$/ms.exec(text) ?? [];

  const lines = commands.trim().split('\n');
  t.true(lines.length <= 5, commands);
  t.regex(lines.at(-1) ?? '', /holdfast wait --synced/);
});

const compilerOptions = {
  extends: join(root, 'tsconfig.base.json'),
  compilerOptions: {
    ...{ noEmit: true, composite: false, incremental: false, allowJs: true, checkJs: true },
    noPropertyAccessFromIndexSignature: false,
    ...{ noUnusedLocals: false, noUnusedParameters: false, types: ['node'] },
  },
  include: ['*.ts', '*.js'],
};
