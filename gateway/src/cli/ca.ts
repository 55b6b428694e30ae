import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HoldfastError, durationMs, hex, messageOf } from '@holdfast/protocol';
import type { CaView, CertificateView } from '../core/certificates/ca-desk.ts';
import { withCa, type SourceOptions } from './fleet-source.ts';
import { usage } from './options.ts';
import { show, type Terminal } from './terminal.ts';

/** Makes a gateway's directory with its authority, to have certificates before it is started. */
export async function caInit(
  { dataDir }: { readonly dataDir: string },
  terminal: Terminal,
): Promise<void> {
  const { initGateway } = await import('../stopped-gateway.ts');
  await initGateway(dataDir);
  await caShow({ dataDir }, terminal);
}

export async function caShow(
  { pem, ...options }: SourceOptions & { readonly pem?: true },
  terminal: Terminal,
): Promise<void> {
  if (pem === true && terminal.format === 'json') {
    throw usage('--pem and --output json contradict each other: the document has the certificates');
  }
  const view = await withCa(options, (ca) => ca.show());
  show(terminal, view, () => (pem === true ? view.certificates.trim() : caText(view)));
}

function caText({ name, fingerprint, expiresAt, certificates }: CaView): string {
  const trusted = certificates.split('BEGIN CERTIFICATE').length - 2;
  const before = trusted === 0 ? [] : [`Before it  ${trusted}, whose certificates count`];
  const lines = [`Authority  ${name}`, `SHA-256    ${fingerprint}`, `Valid to   ${expiresAt}`];
  return [...lines, ...before].join('\n');
}

export interface RotateOptions extends SourceOptions {
  readonly distrust?: true;
  readonly yes?: true;
}

export async function caRotate(options: RotateOptions, terminal: Terminal): Promise<void> {
  const { distrust, yes, ...source } = options;
  if (yes !== true) throw usage('it is meant: --yes');
  const view = await withCa(source, (ca) => ca.rotate(distrust !== true));
  show(terminal, view, () => `${view.name} issues certificates from now on.`);
}

/** Prints the list of revoked certificates, for the file of a broker. */
export async function caCrl(options: SourceOptions, terminal: Terminal): Promise<void> {
  const view = await withCa(options, (ca) => ca.revocations());
  show(terminal, view, () => view.crl.trim());
}

export interface IssueOptions extends SourceOptions {
  readonly host?: readonly string[];
  readonly expires: string;
  readonly out: string;
}

/** The files that were written. */
interface IssuedView extends CertificateView {
  readonly files: { readonly certificate: string; readonly key: string; readonly ca: string };
}

/** Makes a key here, has a certificate issued for it, and writes both and the authority. */
export async function caIssue(
  name: string,
  { host = [], expires, out, ...options }: IssueOptions,
  terminal: Terminal,
): Promise<void> {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
  const publicKey = hex(createPublicKey(privateKey).export({ type: 'spki', format: 'der' }));
  const wish = { name, publicKey, hosts: host, lifeMs: durationMs(expires) };
  const view = await withCa(options, (ca) => ca.issue(wish));
  const at = (ending: string): string => join(out, `${name}${ending}`);
  const files = { certificate: at('.crt'), key: at('.key'), ca: join(out, 'ca.crt') };
  try {
    await mkdir(out, { recursive: true });
    const key = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
    await writeFile(files.key, key, { mode: 0o600 });
    await writeFile(files.certificate, view.certificate);
    await writeFile(files.ca, view.ca);
  } catch (cause) {
    throw new HoldfastError('HF_CONFIG_INVALID', { why: messageOf(cause), cause });
  }
  const issued: IssuedView = { ...view, files };
  show(terminal, issued, () => {
    const { certificate, key, ca } = files;
    return `${certificate}, ${key} and ${ca} are for ${name}, until ${view.expiresAt}.`;
  });
}
