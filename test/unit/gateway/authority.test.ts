import { execFile } from 'node:child_process';
import { X509Certificate, randomBytes } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import {
  Authority,
  hostOf,
  newKey,
  publicKeyOf,
  sha256,
  signerOf,
} from '@holdfast/gateway/internal';
import ava, { type ExecutionContext } from 'ava';
import { hasProgram } from '../../support/program.ts';
import { tempDir } from '../../support/temp-dir.ts';

const test = hasProgram('openssl') ? ava : ava.skip;
const run = promisify(execFile);
const clock = { nowMs: () => Date.now() };
const YEAR_MS = 365 * 86_400_000;

const authority = () =>
  Authority.make(signerOf(newKey().key), { clock, sha256, randomBytes });

const order = (name: string) => {
  return { name, publicKey: publicKeyOf(newKey().key), use: 'client', lifeMs: YEAR_MS } as const;
};

/** What OpenSSL says of a certificate, by files of this content. */
async function verify(
  t: ExecutionContext,
  files: { readonly cert: string; readonly ca: string; readonly [name: string]: string },
  ...options: readonly string[]
): Promise<string> {
  const dir = await tempDir(t);
  for (const [name, text] of Object.entries(files)) await writeFile(join(dir, name), text);
  const args = ['verify', '-x509_strict', '-CAfile', 'ca', ...options, 'cert'];
  const { stdout } = await run('openssl', args, { cwd: dir }).catch((error: Error) => {
    return { stdout: error.message + ('stderr' in error ? String(error.stderr) : '') };
  });
  return stdout.trim();
}

test('certificates are as the strictest reader wants them (needs openssl)', async (t) => {
  const ca = authority();
  const device = ca.issue(order('pump_1-A'));
  const names = ['gw.example', '192.0.2.7', 'fd00::7', '::1', '::ffff:192.0.2.8'];
  const hosts = names.map(hostOf);
  const server = ca.issue({ ...order('gw.example'), use: 'server', hosts });

  t.is(await verify(t, { cert: device.pem, ca: ca.roots }, '-purpose', 'sslclient'), 'cert: OK');
  t.is(await verify(t, { cert: server.pem, ca: ca.roots }, '-purpose', 'sslserver'), 'cert: OK');
  t.regex(await verify(t, { cert: device.pem, ca: ca.roots }, '-purpose', 'sslserver'), /purpose/);
  t.regex(await verify(t, { cert: device.pem, ca: authority().roots }), /unable to get local/);
  t.is(new X509Certificate(device.pem).subject, 'CN=pump_1-A');
  const shown = new X509Certificate(server.pem);
  t.is(shown.checkHost('gw.example'), 'gw.example');
  t.is(shown.checkHost('pump.example'), undefined);
  for (const address of names.slice(1)) t.is(shown.checkIP(address), address);
});

test('a list of revoked certificates names them and no others (needs openssl)', async (t) => {
  const ca = authority();
  const [kept, gone] = [ca.issue(order('kept')), ca.issue(order('gone'))];
  const crl = ca.revocations([{ serial: gone.serial, atMs: Date.now() }]);
  const look = (cert: string, list: string) =>
    verify(t, { cert, ca: ca.roots, list }, '-crl_check', '-CRLfile', 'list');

  t.is(await look(kept.pem, crl), 'cert: OK');
  t.regex(await look(gone.pem, crl), /certificate revoked/);
  t.is(await look(gone.pem, ca.revocations([])), 'cert: OK');
});

test('who trusts only an older authority trusts the newest by it (needs openssl)', async (t) => {
  const first = authority();
  const second = first.succeededBy(signerOf(newKey().key), true);
  const third = second.succeededBy(signerOf(newKey().key), true);
  const old = first.issue(order('pump-1'));
  const server = third.issue({ ...order('gw'), use: 'server', hosts: ['gw'] });
  const chain = third.parts.crosses.join('');
  const by = (ca: string) => verify(t, { cert: server.pem, ca, chain }, '-untrusted', 'chain');

  t.is(await by(first.roots), 'cert: OK');
  t.is(await by(third.parts.root), 'cert: OK');
  t.is(await verify(t, { cert: old.pem, ca: third.roots }), 'cert: OK');
  const crl = third.revocations([{ serial: old.serial, atMs: Date.now() }]);
  const files = { cert: old.pem, ca: third.roots, list: crl };
  t.regex(await verify(t, files, '-crl_check', '-CRLfile', 'list'), /certificate revoked/);

  const distrusting = second.succeededBy(signerOf(newKey().key), false);
  t.regex(await verify(t, { cert: old.pem, ca: distrusting.roots }), /unable to get local/);
  t.is(distrusting.parts.crosses.length, 2);
});
