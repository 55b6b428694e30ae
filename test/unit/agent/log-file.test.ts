import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'ava';
import { loadLevel, readLogFile } from '@holdfast/agent/internal';
import { tempDir } from '../../support/temp-dir.ts';

test('a byte that has changed in any record but the last is damage, not a cut', async (t) => {
  const dir = await tempDir(t);
  const level = new (await loadLevel())<string, string>(dir);
  for (let put = 0; put < 8; put += 1) await level.put(`key-${put}`, 'x'.repeat(90));
  await level.close();
  const name = (await readdir(dir)).find((file) => file.endsWith('.log')) ?? '';
  const file = await readFile(join(dir, name));
  const { records, tornBytes } = readLogFile(file);
  t.deepEqual([records.length, tornBytes], [8, 0]);

  const lastFrom = records.at(-2)?.end ?? 0;
  for (let at = 0; at < file.byteLength; at += 1) {
    const changed = Uint8Array.from(file);
    changed[at] = (changed[at] ?? 0) ^ 0x10;
    const found = readLogFile(changed);
    t.is(found.isBroken, at < lastFrom, `byte ${at}`);
    t.true(found.tornBytes > 0, `byte ${at}`);
    t.is(found.records.length, 7, `all others are read: byte ${at}`);
  }
});
