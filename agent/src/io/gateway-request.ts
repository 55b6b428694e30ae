import type { IncomingMessage } from 'node:http';
import type { RequestOptions } from 'node:https';
import type { Socket } from 'node:net';
import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';
import { HoldfastError, isErrorCode, messageOf } from '@holdfast/protocol';
import type { HttpProxy } from '../core/proxy-address.ts';
import { openWay } from './http-proxy.ts';
import { tlsWords } from './tls-words.ts';

const SILENCE_MS_MAX = 15_000;
const ANSWER_BYTES_MAX = 64 * 1024;

/** By what a gateway is known before anything is said to it. */
export interface Trust {
  /** PEM: whose certificates are believed. */
  readonly ca?: string;
  /** SHA-256 of the one certificate that is believed, in hex. */
  readonly pin?: string;
  /** Believe any, and note which one it was: SHA-256 in hex. */
  readonly seen?: { certificate?: string };
}

export interface GatewayQuestion {
  /** URL of the HTTP API. */
  readonly url: string;
  readonly path: string;
  /** `undefined`: without TLS. */
  readonly trust: Trust | undefined;
  /** Is sent as JSON; `undefined`: it is a GET. */
  readonly body?: object;
  /** Through which it is asked. */
  readonly proxy?: HttpProxy | undefined;
}

/**
 * Asks the HTTP API of a gateway. The answer is an object of whatever.
 *
 * @throws HF_GATEWAY_UNREACHABLE, HF_GATEWAY_UNTRUSTED, and what the gateway answers.
 */
export async function askGateway(
  question: GatewayQuestion,
): Promise<Readonly<Record<string, unknown>>> {
  const url = new URL(question.path, question.url);
  const { trust, proxy } = question;
  const way = proxy === undefined ? undefined : await openWay(proxy, placeOf(url));
  const socket = trust === undefined ? way : await connectTrusted(url, trust, way);
  const answer = parse(await send(url, question.body, socket));
  const { code, detail } = answer;
  if (isErrorCode(code)) throw new HoldfastError(code, { why: String(detail) });
  return answer;
}

export function unreachable(url: URL | string, why: string, cause?: unknown): HoldfastError {
  const { origin } = new URL(url);
  return new HoldfastError('HF_GATEWAY_UNREACHABLE', { why: `${origin}: ${why}`, cause });
}

function parse(text: string): Readonly<Record<string, unknown>> {
  try {
    const answer: unknown = JSON.parse(text);
    return typeof answer === 'object' && answer !== null ? { ...answer } : {};
  } catch {
    return {};
  }
}

function placeOf({ hostname, port, protocol }: URL) {
  const usual = protocol === 'https:' ? 443 : 80;
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || usual) };
}

function connectTrusted(
  url: URL,
  { ca, pin, seen }: Trust,
  way: Socket | undefined,
): Promise<TLSSocket> {
  const place = { ...placeOf(url), ...(way === undefined ? {} : { socket: way }) };
  const rules: ConnectionOptions = ca === undefined ? { rejectUnauthorized: false } : { ca };
  return new Promise((resolve, reject) => {
    const socket = connect({ ...place, ...rules });
    socket.setTimeout(SILENCE_MS_MAX, () => socket.destroy());
    socket.once('error', (cause: NodeJS.ErrnoException) => {
      const words = tlsWords(cause.code ?? '', cause.message);
      if (words === undefined) return reject(unreachable(url, messageOf(cause), cause));
      reject(new HoldfastError('HF_GATEWAY_UNTRUSTED', { why: `${url.origin}: ${words}`, cause }));
    });
    socket.once('close', () => reject(unreachable(url, 'the connection broke off')));
    socket.once('secureConnect', () => {
      const found = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '');
      const shown = found?.toLowerCase() ?? '';
      if (seen !== undefined) seen.certificate = shown;
      if (pin === undefined || shown === pin) return resolve(socket);
      socket.destroy();
      const why = `${url.origin} shows another certificate than before`;
      reject(new HoldfastError('HF_GATEWAY_UNTRUSTED', { why }));
    });
  });
}

async function send(
  url: URL,
  body: object | undefined,
  socket: Socket | undefined,
): Promise<string> {
  const { request } = await import('node:http');
  const json = body && JSON.stringify(body);
  const options: RequestOptions = {
    ...{ host: url.hostname, port: url.port, path: url.pathname },
    ...{ method: json === undefined ? 'GET' : 'POST', timeout: SILENCE_MS_MAX },
    headers: { host: url.host, ...(json !== undefined && { 'content-type': 'application/json' }) },
    // An agent would make a connection of its own.
    ...(socket === undefined ? { agent: false } : { createConnection: () => socket }),
  };
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(unreachable(url, messageOf(cause), cause));
    const asked = request(options, (response) => {
      collect(response).then(resolve, fail);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', fail);
    asked.end(json);
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
