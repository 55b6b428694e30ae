import { X509Certificate, createPrivateKey } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { HoldfastError, type Clock } from '@holdfast/protocol';
import type { Host } from '../core/certificates/certificate.ts';
import { newKey, pemBlocks, publicKeyOf, type CaStore } from './ca-store.ts';
import { writeWhole } from './durable-file.ts';
import type { Tls } from './tls-files.ts';

const DAY_MS = 86_400_000;
/** Clients see the one that counts at each connection: it may be short-lived. */
const LIFE_MS = 365 * DAY_MS;
const NAMES_MAX = 64;

interface Place {
  readonly dataDir: string;
  readonly ca: CaStore;
  readonly clock: Pick<Clock, 'nowMs'>;
  /** Under which others reach this machine, besides those that it knows of itself. */
  readonly names: readonly string[];
}

/**
 * What the gateway shows to devices and to those who use its API, issued by its own authority: kept
 * in `ca/server.pem`, made anew in time, for other names, and for another authority.
 */
export async function serverCertificate(place: Place): Promise<Tls> {
  const { dataDir, ca, names } = place;
  const path = join(dataDir, 'ca', 'server.pem');
  const wanted = ownNames(names);
  const known = await readFile(path, 'utf8').catch(() => '');
  if (isGood(known, wanted, place)) return tlsOf(known, ca);
  const { key, pem } = newKey();
  const order = { name: wanted[0] ?? 'gateway', use: 'server', lifeMs: LIFE_MS } as const;
  const subject = { publicKey: publicKeyOf(key), hosts: wanted.map(hostOf) };
  const issued = ca.authority.issue({ ...order, ...subject });
  const whole = `${pem}${issued.pem}`;
  await writeWhole(path, whole, 0o600);
  return tlsOf(whole, ca);
}

export function isHost(text: string): boolean {
  const name = /^(?=.{1,253}$)(?!-)[A-Za-z0-9-]{1,63}(?:\.(?!-)[A-Za-z0-9-]{1,63})*$/;
  return name.test(text) || isIP(text) !== 0;
}

/** @throws HF_CONFIG_INVALID for what is neither a name nor an address. */
export function checkHostName(name: string): string {
  if (isHost(name)) return name;
  const why = `${JSON.stringify(name)} is no host name and no address`;
  throw new HoldfastError('HF_CONFIG_INVALID', { why });
}

/** A name as it is, an address as its bytes. */
export function hostOf(name: string): Host {
  if (isIP(name) === 4) return Uint8Array.from(name.split('.'), Number);
  return isIP(name) === 6 ? ipv6Bytes(name) : name;
}

function ipv6Bytes(address: string): Uint8Array {
  // The URL has it in its shortest form, without a scope and with no dotted part.
  const [plain = ''] = address.split('%');
  const text = new URL(`http://[${plain}]`).hostname.slice(1, -1);
  const [head = '', tail] = text.split('::');
  const words = (part: string) => (part === '' ? [] : part.split(':'));
  const [before, after] = [words(head), tail === undefined ? [] : words(tail)];
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0');
  const all = [...before, ...zeros, ...after].map((word) => Number.parseInt(word, 16));
  return Uint8Array.from(all.flatMap((word) => [word >> 8, word & 255]));
}

function ownNames(names: readonly string[]): readonly string[] {
  const addresses = Object.values(networkInterfaces()).flatMap((each) => each ?? []);
  const routable = addresses.filter(({ scopeid = 0 }) => scopeid === 0);
  const own = [hostname(), ...routable.map(({ address }) => address)].filter((name) => {
    return isIP(name) !== 0 || /^[A-Za-z0-9.-]{1,253}$/.test(name);
  });
  const always = ['localhost', '127.0.0.1', '::1'];
  return [...new Set([...names.map(checkHostName), ...own, ...always])].slice(0, NAMES_MAX);
}

/** Whether a third of its life is left, and it is what would be made now. */
function isGood(text: string, wanted: readonly string[], { ca, clock }: Place): boolean {
  const [keyPem = '', pem = ''] = pemBlocks(text);
  try {
    const certificate = new X509Certificate(pem);
    const leftMs = Date.parse(certificate.validTo) - clock.nowMs();
    const isOurs = certificate.verify(new X509Certificate(ca.authority.parts.root).publicKey);
    const isPair = certificate.checkPrivateKey(createPrivateKey(keyPem));
    const isFor = (name: string) =>
      (isIP(name) === 0 ? certificate.checkHost(name) : certificate.checkIP(name)) !== undefined;
    return isOurs && isPair && leftMs > LIFE_MS / 3 && wanted.every(isFor);
  } catch {
    return false; // None, or none that can be read: it is made anew.
  }
}

function tlsOf(text: string, { authority }: CaStore): Tls {
  const [key = '', cert = ''] = pemBlocks(text);
  const chain = [cert, ...authority.parts.crosses].join('');
  return { key: Buffer.from(key), cert: Buffer.from(chain), ca: Buffer.from(authority.roots) };
}
