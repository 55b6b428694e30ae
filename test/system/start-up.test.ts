import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { holdfast } from '../support/holdfast-cli.ts';
import { serve } from '../support/scripted-agent.ts';

/** What a module was made of, as its map says. */
function sourcesOf(file: string): readonly string[] {
  const map = readFileSync(`${fileURLToPath(file)}.map`, 'utf8');
  return (JSON.parse(map) as { readonly sources: readonly string[] }).sources;
}

/** The store, the link, the codec, and whatever package else, but the one of command lines. */
const heavy = /\/io\/|\/agent\.ts$|\/wire\/(?!lanes)|node_modules\/(?!commander\/)/;

test('what asks a running agent loads neither its store nor its link', async (t) => {
  const { env } = await serve(t);
  const loaded = async (...args: readonly string[]) => {
    const { code, stderr } = await holdfast(args, { env: { ...env, NODE_DEBUG: 'esm' } });
    t.is(code, 0, args.join(' '));
    return [...new Set(stderr.match(/file:\/\/[^ '"]+\.m?js/g))];
  };

  for (const command of ['status', 'backlog']) {
    const files = await loaded(command);
    t.true(files.length > 2 && files.length < 20, files.join('\n'));
    const modules = files.filter((each) => !each.endsWith('/bin/holdfast.js'));
    t.deepEqual(
      modules.filter((each) => each.includes('node_modules')),
      [],
    );
    const sources = modules.flatMap(sourcesOf);
    t.true(sources.some((each) => each.endsWith('cli/main.ts')));
    t.deepEqual(
      sources.filter((each) => heavy.test(each)),
      [],
    );
  }
});
