import test from 'ava';
import { holdfast } from '../support/holdfast-cli.ts';
import { serve } from '../support/scripted-agent.ts';

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
    t.deepEqual(
      files.filter((each) => /level|mqtt|cbor|\/io\/|agent\.js|node_modules/.test(each)),
      [],
    );
  }
});
