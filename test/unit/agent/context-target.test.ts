import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import test from 'ava';
import { contextTarget } from '@holdfast/agent/internal';
import { codeOf, contextsText } from '@holdfast/protocol';
import { tempDir } from '../../support/temp-dir.ts';

test('options go before a context, that before variables, then comes the one in use', async (t) => {
  const XDG_CONFIG_HOME = await tempDir(t);
  mkdirSync(join(XDG_CONFIG_HOME, 'holdfast'));
  const contexts = [
    { name: 'used', device: { socket: '/used.sock', 'store-key-file': '/key' }, gateway: null },
    { name: 'lab', device: { 'data-dir': '/lab' }, gateway: null },
    { name: 'cloud', device: null, gateway: { url: 'https://gw/' } },
  ];
  const file = join(XDG_CONFIG_HOME, 'holdfast', 'contexts.json');
  writeFileSync(file, contextsText({ current: 'used', contexts }));
  const env = { XDG_CONFIG_HOME };
  const variables = { ...env, HOLDFAST_DATA_DIR: '/variable' };
  const named = { ...env, HOLDFAST_CONTEXT: 'lab' };

  t.deepEqual(contextTarget({}, env), { socket: '/used.sock', storeKeyFile: '/key' });
  t.deepEqual(contextTarget({}, named), { dataDir: '/lab' });
  t.deepEqual(contextTarget({}, { ...named, ...variables }), {}, 'what the variable names');
  t.like(contextTarget({ context: 'lab' }, variables), { dataDir: '/lab' });
  const given = { context: 'lab', socket: '/given.sock' };
  t.deepEqual(contextTarget(given, variables), given);
  t.is(contextTarget({ storeKeyFile: '/mine' }, env).storeKeyFile, '/mine');
  t.deepEqual(contextTarget({}, { HOME: '/nowhere' }), {});
  t.is(codeOf(t.throws(() => contextTarget({ context: 'cloud' }, env))), 'HF_USAGE');
  t.is(codeOf(t.throws(() => contextTarget({ context: 'x' }, env))), 'HF_CONTEXT_UNKNOWN');
  writeFileSync(file, contextsText({ current: 'cloud', contexts }));
  t.deepEqual(contextTarget({}, env), {}, 'one for gateways only is in use');
});
