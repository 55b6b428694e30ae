import { readFile } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';
import test from 'ava';
import type * as Ours from '../../../protocol/web/ours.js';
import type * as Patient from '../../../gateway/web/patient.js';
import { pageModule } from '../../support/pages/page-module.ts';

const { patient } = await pageModule<typeof Patient>('gateway/web/patient.ts');
const { isOurs } = await pageModule<typeof Ours>('protocol/web/ours.ts');

/** Whoever is asked says nothing, until those who ask give up. */
const silent: typeof fetch = (_, init) =>
  new Promise((_resolve, reject) => {
    init?.signal?.addEventListener('abort', () => reject(init.signal?.reason as Error));
  });

test('a page that is not answered gives up, and a change is waited for longer', async (t) => {
  // Waiting for an answer keeps no process alive.
  const alive = setInterval(() => {}, 1_000);
  t.teardown(() => clearInterval(alive));
  const ask = patient(silent, { readMs: 10, changeMs: 60 });
  const from = performance.now();
  const late = { any: true, name: 'TimeoutError' } as const;
  await t.throwsAsync(ask('/api/devices'), late);
  const readMs = performance.now() - from;
  await t.throwsAsync(ask('/api/commands', { method: 'POST' }), late);
  t.true(performance.now() - from - readMs > 50);
});

test('an answer is ours by its schema', (t) => {
  t.true(isOurs({ schema: 'holdfast.devices/1', devices: [] }));
  const others = [null, undefined, 'holdfast.', 7, [], {}, { schema: 4 }, { schema: 'other/1' }];
  t.deepEqual(
    others.map(isOurs),
    others.map(() => false),
  );
});

const SCRIPT_BYTES_MAX = 80_000;

test('the script of each page is at most 80 kB, compressed', async (t) => {
  for (const product of ['gateway', 'agent']) {
    const url = new URL(`../../../../${product}/dist/web/main.js`, import.meta.url);
    const bytes = gzipSync(await readFile(url), { level: 9 }).byteLength;
    t.log(`${product}: ${bytes} of ${SCRIPT_BYTES_MAX} bytes`);
    t.true(bytes <= SCRIPT_BYTES_MAX, product);
  }
});
