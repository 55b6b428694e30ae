import { ascii, type Sha256, type Signer } from '@holdfast/protocol';
import { bits, integer, octets, oid, sequence, set, tagged, time, utf8, yes } from './der.ts';

/** What a certificate says. */
export interface CertificateOrder {
  /** 1 to 20 bytes that no other certificate of the issuer has. */
  readonly serial: Uint8Array;
  /** Common name: ASCII. */
  readonly name: string;
  /** Of the subject: SPKI, DER. */
  readonly publicKey: Uint8Array;
  readonly fromMs: number;
  readonly toMs: number;
  readonly use: 'authority' | 'server' | 'client';
  /** Names and addresses of a server. */
  readonly hosts?: readonly Host[];
}

/** A DNS name, or an address of 4 or 16 bytes. */
export type Host = string | Uint8Array;

/** Who signs certificates: its common name, and its key. */
export interface Issuer {
  readonly name: string;
  readonly signer: Signer;
}

export interface CrlOrder {
  /** Higher than that of the one before. */
  readonly number: number;
  readonly fromMs: number;
  readonly toMs: number;
  readonly revoked: readonly { readonly serial: Uint8Array; readonly atMs: number }[];
}

const ECDSA_SHA256 = sequence(oid('1.2.840.10045.4.3.2'));
const [VERSION_3, VERSION_2] = [integer(Uint8Array.of(2)), integer(Uint8Array.of(1))];
const KEY_ID_BYTES = 20;

const nameOf = (name: string) => sequence(set(sequence(oid('2.5.4.3'), utf8(name))));

/** An X.509 certificate [RFC 5280] in DER, with ECDSA and SHA-256. */
export function makeCertificate(
  order: CertificateOrder,
  issuer: Issuer,
  sha256: Sha256,
): Uint8Array {
  const { serial, name, publicKey, fromMs, toMs } = order;
  return signed(issuer.signer, [
    tagged(0, VERSION_3),
    integer(serial),
    ECDSA_SHA256,
    nameOf(issuer.name),
    sequence(time(fromMs), time(toMs)),
    nameOf(name),
    publicKey,
    tagged(3, sequence(...extensionsOf(order, issuer, sha256))),
  ]);
}

/** A list of revoked certificates [RFC 5280, 5] in DER. */
export function makeCrl(order: CrlOrder, issuer: Issuer, sha256: Sha256): Uint8Array {
  const { number, fromMs, toMs, revoked } = order;
  const rows = revoked.map(({ serial, atMs }) => sequence(integer(serial), time(atMs)));
  return signed(issuer.signer, [
    VERSION_2,
    ECDSA_SHA256,
    nameOf(issuer.name),
    time(fromMs),
    time(toMs),
    // An empty list is left out, not written.
    ...(rows.length === 0 ? [] : [sequence(...rows)]),
    tagged(
      0,
      sequence(
        issuerKey(issuer, sha256),
        extension('2.5.29.20', integer(bigEndian(number))),
      ),
    ),
  ]);
}

export function pem(kind: 'CERTIFICATE' | 'X509 CRL', der: Uint8Array): string {
  const text = base64(der).replaceAll(/.{64}(?=.)/g, '$&\n');
  return `-----BEGIN ${kind}-----\n${text}\n-----END ${kind}-----\n`;
}

function signed(signer: Signer, parts: readonly Uint8Array[]): Uint8Array {
  const statement = sequence(...parts);
  const signature = signer.sign(statement);
  const half = signature.byteLength / 2;
  const [r, s] = [signature.subarray(0, half), signature.subarray(half)];
  return sequence(statement, ECDSA_SHA256, bits(sequence(integer(r), integer(s))));
}

function extensionsOf(
  { use, hosts = [], publicKey }: CertificateOrder,
  issuer: Issuer,
  sha256: Sha256,
): readonly Uint8Array[] {
  const ids = [
    extension('2.5.29.14', octets(keyId(publicKey, sha256))),
    issuerKey(issuer, sha256),
  ];
  if (use === 'authority') {
    // It signs certificates and lists of those that are revoked, and is above no other authority
    // but one that takes its place.
    const signs = bits(Uint8Array.of(0b0000_0110), 1);
    return [
      extension('2.5.29.19', sequence(yes), true),
      extension('2.5.29.15', signs, true),
      ...ids,
    ];
  }
  const purpose = use === 'server' ? [SERVER, CLIENT] : [CLIENT];
  const names = hosts.map((host) =>
    typeof host === 'string' ? tagged(2, ascii(host), true) : tagged(7, host, true),
  );
  return [
    extension('2.5.29.19', sequence(), true),
    extension('2.5.29.15', bits(Uint8Array.of(0b1000_0000), 7), true),
    extension('2.5.29.37', sequence(...purpose.map(oid))),
    ...ids,
    ...(names.length === 0 ? [] : [extension('2.5.29.17', sequence(...names))]),
  ];
}

const [SERVER, CLIENT] = ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'];

function extension(id: string, value: Uint8Array, isCritical = false): Uint8Array {
  return sequence(oid(id), ...(isCritical ? [yes] : []), octets(value));
}

function issuerKey({ signer }: Issuer, sha256: Sha256): Uint8Array {
  const id = tagged(0, keyId(signer.publicKey, sha256), true);
  return extension('2.5.29.35', sequence(id));
}

function keyId(publicKey: Uint8Array, sha256: Sha256): Uint8Array {
  return sha256(publicKey).subarray(0, KEY_ID_BYTES);
}

function bigEndian(value: number): Uint8Array {
  const bytes = new Uint8Array(8);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(value));
  return bytes;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

function base64(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.byteLength; at += 3) {
    const [a = 0, b = 0, c = 0] = bytes.subarray(at, at + 3);
    const word = (a << 16) | (b << 8) | c;
    const digits = [18, 12, 6, 0].map((shift) => alphabet[(word >> shift) & 63]);
    const count = Math.min(3, bytes.byteLength - at) + 1;
    text += digits.slice(0, count).join('').padEnd(4, '=');
  }
  return text;
}
