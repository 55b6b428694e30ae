import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { BLOCK_MS_MAX, followDocument, readBlocks } from '../support/document-shell.ts';

test('the tutorial does what it says, command by command', async (t) => {
  t.timeout(4 * BLOCK_MS_MAX);
  const blocks = await readBlocks('docs/start/tutorial.md');
  const { folder, typed } = await followDocument(t, blocks, 'stall');

  t.is(typed, blocks.filter(({ language }) => language === 'sh').length, 'every block was typed');
  const charges = await readFile(join(folder, 'charges.txt'), 'utf8');
  const items = charges
    .trim()
    .split('\n')
    .map((line) => line.split(' ')[0]);
  // The command from the cloud comes last, and may still be on its way.
  t.deepEqual(items.slice(0, 3), ['teapot', 'kettle', 'teapot'], 'each order was charged once');
});
