import type { IncomingMessage } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { HoldfastError, isErrorCode, messageOf, type EnrolToken } from '@holdfast/protocol';

const SILENCE_MS_MAX = 15_000;
const ANSWER_BYTES_MAX = 64 * 1024;

/** What the gateway answers to a device that it has enrolled. */
export interface Enrolled {
  readonly device: string;
  /** The gateway's key: SPKI in hex. */
  readonly publicKey: string;
  readonly mqtt: string;
  readonly ca: string | null;
}

/**
 * Asks the gateway of a token to enrol this device. Nothing is said before its certificate is known
 * to be the one that the token names.
 *
 * @throws HF_GATEWAY_UNREACHABLE, HF_GATEWAY_UNTRUSTED, and what the gateway answers.
 */
export async function requestEnrolment(token: EnrolToken, body: object): Promise<Enrolled> {
  const url = new URL('/api/enroll', token.url);
  const isSecure = url.protocol === 'https:';
  if (isSecure !== (token.certificate !== '')) {
    throw new HoldfastError('HF_GATEWAY_UNTRUSTED', { why: 'the token names no certificate' });
  }
  const socket = isSecure ? await connectPinned(url, token.certificate) : undefined;
  const { code, detail, ...answer } = parse(await post(url, JSON.stringify(body), socket));
  if (isErrorCode(code)) throw new HoldfastError(code, { why: String(detail) });
  const { device, publicKey, mqtt, ca } = answer;
  const isKey = typeof publicKey === 'string' && /^([0-9a-f]{2}){1,256}$/.test(publicKey);
  const isPlace = typeof mqtt === 'string' && URL.canParse(mqtt);
  if (typeof device !== 'string' || !isKey || !isPlace || (ca !== null && typeof ca !== 'string')) {
    throw unreachable(url, 'what answers is not a Holdfast gateway');
  }
  return { device, publicKey, mqtt, ca };
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? { ...answer } : {};
  } catch {
    return {};
  }
}

function connectPinned(url: URL, certificate: string): Promise<TLSSocket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const port = Number(url.port || 443);
    const socket = connect({ host, port, rejectUnauthorized: false });
    socket.setTimeout(SILENCE_MS_MAX, () => socket.destroy());
    socket.once('error', (cause) => reject(unreachable(url, messageOf(cause), cause)));
    socket.once('close', () => reject(unreachable(url, 'the connection broke off')));
    socket.once('secureConnect', () => {
      const shown = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '');
      if (shown?.toLowerCase() === certificate) return resolve(socket);
      socket.destroy();
      const why = `${url.origin} shows another certificate than the token names`;
      reject(new HoldfastError('HF_GATEWAY_UNTRUSTED', { why }));
    });
  });
}

async function post(url: URL, body: string, socket: TLSSocket | undefined): Promise<string> {
  const { request } = await import('node:http');
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(unreachable(url, messageOf(cause), cause));
    const asked = request(
      {
        ...{ host: url.hostname, port: url.port, path: url.pathname, method: 'POST' },
        ...{ headers: { 'content-type': 'application/json', host: url.host } },
        timeout: SILENCE_MS_MAX,
        // An agent would make a connection of its own.
        ...(socket === undefined ? { agent: false } : { createConnection: () => socket }),
      },
      (response) => {
        collect(response).then(resolve, fail);
      },
    );
    asked.on('timeout', () => asked.destroy());
    asked.on('error', fail);
    asked.end(body);
  });
}

async function collect(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of response) {
    chunks.push(chunk as Buffer); // No encoding is set.
    bytes += (chunk as Buffer).byteLength;
    if (bytes > ANSWER_BYTES_MAX) break;
  }
  return Buffer.concat(chunks).toString('utf8');
}

function unreachable(url: URL, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_GATEWAY_UNREACHABLE', { why: `${url.origin}: ${why}`, cause });
}
