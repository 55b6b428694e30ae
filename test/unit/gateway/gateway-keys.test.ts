import { readFile, stat, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import {
  CaStore,
  exportKeys,
  importKeys,
  openIdentity,
  systemClock,
} from '@holdfast/gateway/internal';
import test from 'ava';
import { runGatewayWith } from '../../support/gateway-process.ts';
import { tempDir } from '../../support/temp-dir.ts';

const passphrase = 'correct horse battery';

test('the keys of a gateway go to another one by a file and a passphrase', async (t) => {
  const dir = await tempDir(t);
  const [first, second, out] = [join(dir, 'a'), join(dir, 'b'), join(dir, 'gateway.keys')];
  const own = await openIdentity(first);
  const ca = await CaStore.open(first, systemClock);
  const typed = `${passphrase}\n`;

  const exported = ['keys', 'export', '--data-dir', first, '--out', out, '-o', 'json'];
  const { code, stdout, stderr } = await runGatewayWith(typed, ...exported);
  t.is(code, 0, stderr);
  t.like(JSON.parse(stdout) as object, { authority: ca.fingerprint, to: out });
  t.is((await stat(out)).mode & 0o777, 0o600);
  const text = await readFile(out, 'utf8');
  t.notRegex(text, /BEGIN/);
  const imported = await runGatewayWith(typed, 'keys', 'import', out, '--data-dir', second);
  t.is(imported.code, 0, imported.stderr);

  t.deepEqual((await openIdentity(second)).publicKey, own.publicKey);
  t.is((await CaStore.open(second, systemClock)).fingerprint, ca.fingerprint);
  t.is((await stat(join(second, 'identity/gateway.key'))).mode & 0o777, 0o600);
  t.is(await readFile(join(second, 'ca/ca.crt'), 'utf8'), ca.authority.roots);

  await ca.rotate(true);
  const again = join(dir, 'again.keys');
  await exportKeys(first, { out: again, passphrase });
  await importKeys(second, { text: await readFile(again, 'utf8'), passphrase });
  t.is((await CaStore.open(second, systemClock)).fingerprint, ca.fingerprint, 'rotated');
});

test('keys are given to nobody with another passphrase, or a key of its own', async (t) => {
  const dir = await tempDir(t);
  const [first, other, out] = [join(dir, 'a'), join(dir, 'b'), join(dir, 'gateway.keys')];
  await openIdentity(first);
  await CaStore.open(first, systemClock);
  await exportKeys(first, { out, passphrase });
  const text = await readFile(out, 'utf8');
  const known = (await openIdentity(other)).publicKey;

  const invalid = { code: 'HF_CONFIG_INVALID' };
  const fresh = join(dir, 'c');
  await t.throwsAsync(importKeys(fresh, { text, passphrase: 'wrong horse battery' }), invalid);
  const flipped = text.replace(/"sealed":"(.{60})./, (_, head: string) => `"sealed":"${head}!`);
  await t.throwsAsync(importKeys(fresh, { text: flipped, passphrase }), invalid);
  await t.throwsAsync(importKeys(fresh, { text: 'no keys', passphrase }), invalid);
  await t.throwsAsync(stat(fresh), undefined, 'nothing was made');
  await t.throwsAsync(importKeys(other, { text, passphrase }), invalid);
  t.deepEqual((await openIdentity(other)).publicKey, known);
  await t.throwsAsync(exportKeys(first, { out, passphrase }), invalid, 'none is overwritten');
  await writeFile(out, '');
  await t.throwsAsync(exportKeys(fresh, { out, passphrase }), { code: 'HF_DATA_DIR_MISSING' });
});
