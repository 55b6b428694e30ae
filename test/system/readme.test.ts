import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { BLOCK_MS_MAX, followDocument, readBlocks } from '../support/document-shell.ts';

const root = fileURLToPath(new URL('../../..', import.meta.url));

test('the two commands of the first screen are scripts of the root', async (t) => {
  const [first] = await readBlocks('README.md');
  const { scripts } = JSON.parse(await readFile(join(root, 'package.json'), 'utf8'));
  const names = [...(first?.text ?? '').matchAll(/^npm (?:run )?(\w+)/gm)].map(([, name]) => name);

  t.deepEqual(names, ['demo', 'test']);
  for (const name of names) t.is(typeof scripts[String(name)], 'string', name);
});

test('every command of the README does what it says, as it is written', async (t) => {
  t.timeout(4 * BLOCK_MS_MAX);
  const [, ...blocks] = await readBlocks('README.md');
  const { folder, typed } = await followDocument(t, blocks, 'shop');

  t.is(typed, 5, 'every block was typed');
  const tickets = await readFile(join(folder, 'tickets.txt'), 'utf8');
  t.deepEqual(
    tickets.split('\n').map((line) => line.split(' ').slice(0, -1).join(' ')),
    ['moka pot', 'teapot', ''],
    'each ticket was printed once',
  );
});
