import type { IncomingMessage, RequestOptions } from 'node:http';
import { connect, type TLSSocket } from 'node:tls';
import { HoldfastError, isErrorCode, toWellFormed } from '@holdfast/protocol';

/** A gateway that runs, and what to show it. */
export interface GatewayAddress {
  readonly url: URL;
  /** API token; empty: none is shown. */
  readonly token: string;
  /** SHA-256 of the certificate that it shows, in hex: no other one is spoken to. */
  readonly certificate?: string | undefined;
  /** PEM: what to trust besides. */
  readonly ca?: string | undefined;
}

export type Query = Readonly<Record<string, string | number | readonly string[] | undefined>>;

interface Question {
  readonly path: string;
  readonly method: 'GET' | 'POST' | 'PATCH' | 'DELETE';
  readonly query?: Query;
  readonly json?: object | undefined;
}

/** Of an address; a gateway takes 16 KiB with all that is around it. */
const ASKED_MAX = 8_192;

/** Silence on the connection after which the gateway counts as gone. */
const SILENCE_MS_MAX = 15_000;

/**
 * Asks a gateway, and gives its answer.
 *
 * @throws HF_GATEWAY_UNREACHABLE, HF_INPUT_INVALID for what is too long, or the error that it
 *   answers with.
 */
export async function ask<V>(at: GatewayAddress, question: Question): Promise<V> {
  const { href } = at.url;
  const url = new URL(question.path, href.endsWith('/') ? href : `${href}/`);
  for (const [name, value] of Object.entries(question.query ?? {})) {
    const values = Array.isArray(value) ? value : [value];
    for (const each of values) {
      if (each !== undefined) url.searchParams.append(name, String(each));
    }
  }
  const asked = url.pathname.length + url.search.length;
  if (asked > ASKED_MAX) {
    const why = `what is asked for takes ${asked} characters, of at most ${ASKED_MAX}`;
    throw new HoldfastError('HF_INPUT_INVALID', { why });
  }
  const answer = parse(await send(url, at, question));
  if (answer === undefined) throw unreachable(url, 'what answers is not a Holdfast gateway');
  const { code, detail } = answer;
  if (isErrorCode(code)) throw new HoldfastError(code, { why: String(detail) });
  // The schema's version says what its fields are.
  return answer as V;
}

/** As a part of an address; half a character is told as one that is not known. */
export function inPath(text: string): string {
  return encodeURIComponent(toWellFormed(text));
}

async function send(url: URL, at: GatewayAddress, question: Question): Promise<string> {
  const isSecure = url.protocol === 'https:';
  const { request } = await (isSecure ? import('node:https') : import('node:http'));
  const pinned =
    isSecure && at.certificate !== undefined ? await connectPinned(url, at.certificate) : undefined;
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => reject(failure(url, cause));
    const { json, method } = question;
    // To verify the ledger takes as long as it takes; a gateway that has gone ends the connection.
    const timeout = method === 'GET' ? SILENCE_MS_MAX : 0;
    const options: RequestOptions & { readonly ca?: string } = {
      ...{ method, timeout, headers: headersOf(at, json) },
      ...(at.ca === undefined ? {} : { ca: at.ca }),
      // An agent would make a connection of its own.
      ...(pinned === undefined ? { agent: false } : { createConnection: () => pinned }),
    };
    const asked = request(url, options, (response) => {
      collect(response).then(resolve, fail);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', fail);
    asked.end(json && JSON.stringify(json));
  });
}

function headersOf({ token }: GatewayAddress, json: object | undefined): Record<string, string> {
  return {
    ...(token === '' ? {} : { authorization: `Bearer ${token}` }),
    ...(json === undefined ? {} : { 'content-type': 'application/json' }),
  };
}

/** Nothing is said before the certificate is known to be the gateway's own. */
function connectPinned(url: URL, certificate: string): Promise<TLSSocket> {
  const host = url.hostname.replace(/^\[|\]$/g, '');
  return new Promise((resolve, reject) => {
    const socket = connect({ host, port: Number(url.port), rejectUnauthorized: false });
    socket.setTimeout(SILENCE_MS_MAX, () => socket.destroy());
    socket.once('error', (cause) => reject(failure(url, cause)));
    socket.once('close', () => reject(unreachable(url, 'the connection broke off')));
    socket.once('secureConnect', () => {
      const shown = socket.getPeerX509Certificate()?.fingerprint256.replaceAll(':', '');
      if (shown?.toLowerCase() === certificate) return resolve(socket.setTimeout(0));
      socket.destroy();
      reject(unreachable(url, 'it shows another certificate than the gateway has'));
    });
  });
}

async function collect(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  for await (const chunk of response) chunks.push(chunk as Buffer); // No encoding is set.
  return Buffer.concat(chunks).toString('utf8');
}

function parse(body: string): Readonly<Record<string, unknown>> | undefined {
  try {
    const answer: unknown = JSON.parse(body);
    if (typeof answer !== 'object' || answer === null) return undefined;
    const isOurs = 'schema' in answer || ('code' in answer && isErrorCode(answer.code));
    return isOurs ? { ...answer } : undefined;
  } catch {
    return undefined;
  }
}

function failure(url: URL, cause: unknown): HoldfastError {
  const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
  return unreachable(url, code ?? 'the connection broke off', cause);
}

function unreachable(url: URL, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_GATEWAY_UNREACHABLE', { why: `${url.origin}: ${why}`, cause });
}
