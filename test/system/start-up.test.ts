import { readFileSync } from 'node:fs';
import test from 'ava';
import { holdfast } from '../support/holdfast-cli.ts';
import { serve } from '../support/scripted-agent.ts';

/** What a module was made of, as its map says. */
function sourcesOf(file: string): readonly string[] {
  const map = readFileSync(`${file}.map`, 'utf8');
  return (JSON.parse(map) as { readonly sources: readonly string[] }).sources;
}

/** The store, the link, the codec, and whatever package. */
const heavy = /\/io\/|\/agent\.ts$|\/wire\/(?!lanes)|node_modules/;
/** Of Node, what a process has anyway, and the socket. */
const light = ['node:fs', 'node:path', 'node:net'];

/** What a command loads, by file, and what it asks of Node. */
async function loadedBy(args: readonly string[], env: Readonly<Record<string, string>>) {
  const { stderr, ...ended } = await holdfast(args, {
    env: { ...env, NODE_DEBUG: 'esm,module' },
  });
  const found = (of: RegExp) => [...new Set([...stderr.matchAll(of)].map((match) => match[1]))];
  const files = [
    ...found(/load "([^"]+)" for module/g),
    ...found(/file:\/\/([^ '"]+\.m?js)/g),
  ].filter((each) => each !== undefined);
  return { ...ended, files, builtins: found(/load built-in module (\S+)/g) };
}

test('what is asked all the time loads one file: no store, no link, no parser', async (t) => {
  const { dir, env } = await serve(t);
  const lines = [
    ...['status', 'backlog', 'status -o json', 'backlog --output jsonl'],
    ...[`status --data-dir ${dir} -o text`, `backlog --socket ${dir}/agent.sock`],
  ];

  for (const line of lines) {
    const { code, stdout, files, builtins } = await loadedBy(line.split(' '), env);
    t.is(code, 0, line);
    t.regex(stdout, line.includes('json') ? /^\{"schema":/ : /OFFLINE/, line);
    t.deepEqual(
      files.map((each) => each.replace(/^.*\/agent\//, '')),
      ['bin/holdfast.js', 'dist/holdfast.cjs'],
      line,
    );
    t.deepEqual(
      builtins.filter((each) => !light.includes(each ?? '')),
      [],
      line,
    );
    const [, main = ''] = files;
    const sources = sourcesOf(main);
    t.true(sources.some((each) => each.endsWith('cli/main.ts')));
    t.deepEqual(
      sources.filter((each) => heavy.test(each)),
      [],
    );
  }
});

test('what asks a running agent otherwise loads neither its store nor its link', async (t) => {
  const { env } = await serve(t);

  for (const line of ['workflow ls', 'status --output=json', 'check']) {
    const { files } = await loadedBy(line.split(' '), env);
    t.true(files.length > 3 && files.length < 20, files.join('\n'));
    const modules = files.filter((each) => each.includes('/dist/'));
    t.deepEqual(
      modules.flatMap(sourcesOf).filter((each) => heavy.test(each) && !/\/commander\//.test(each)),
      [],
      line,
    );
  }
});

test('a line that is not plain is told what is wrong with it as any other', async (t) => {
  const { env } = await serve(t);
  const wrong = [
    ...['status -o xml', 'status --outptu json', 'status --socket', 'backlog extra'],
    ...['status -o json --colour', 'status --data-dir --output json'],
  ];

  for (const line of wrong) {
    const { code, stdout, stderr } = await holdfast(line.split(' '), { env });
    t.deepEqual([code, stdout], [2, ''], line);
    t.regex(stderr, /^error: .*\(HF_USAGE\)\n {2}cause: .*\n {2}hint: .*\n$/, line);
  }
  t.is((await holdfast(['status', '-o', 'json', '--socket', ''], { env })).code, 2);
  t.regex((await holdfast(['status', '--help'], { env })).stdout, /^Usage: holdfast status/);
});
