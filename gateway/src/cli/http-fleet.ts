import { HoldfastError, isErrorCode } from '@holdfast/protocol';
import type { IncomingMessage } from 'node:http';
import type { Fleet } from '../core/fleet-views.ts';

/** Silence on the connection after which the gateway counts as gone. */
const SILENCE_MS_MAX = 15_000;

/** The fleet as the gateway at this address tells it. */
export function httpFleet(base: URL): Fleet {
  const get = <V>(path: string, query: Query = {}) => ask<V>({ base, path, query, method: 'GET' });
  const post = <V>(path: string, json?: object) =>
    ask<V>({ base, path, query: {}, method: 'POST', json });
  return {
    devices: () => get('api/devices'),
    device: (device) => get(`api/devices/${device}`),
    runs: ({ device, limit }) => get('api/runs', { device, limit }),
    entries: ({ device, epoch, lane, after, limit }) =>
      get(`api/devices/${device}/entries`, { epoch, lane, after, limit }),
    value: ({ device, epoch, lane, seq }) =>
      get(`api/devices/${device}/value`, { epoch, lane, seq }),
    rekey: (device, key) => post(`api/devices/${device}/key`, { key }),
    verify: () => post('api/ledger/verify'),
    erase: (query) => post('api/ledger/erase', query),
    erasures: (limit) => get('api/ledger/erasures', { limit }),
    held: (query) => post('api/ledger/held', query),
  };
}

type Query = Readonly<Record<string, string | number | undefined>>;

interface Question {
  readonly base: URL;
  readonly path: string;
  readonly query: Query;
  readonly method: 'GET' | 'POST';
  readonly json?: object | undefined;
}

async function ask<V>(question: Question): Promise<V> {
  const { base, path, query } = question;
  const url = new URL(path, base.href.endsWith('/') ? base : `${base.href}/`);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  const body = await send(url, question);
  const answer = parse(body);
  if (answer === undefined) throw unreachable(base, 'what answers is not a Holdfast gateway');
  const { code, detail } = answer;
  if (isErrorCode(code)) throw new HoldfastError(code, { why: String(detail) });
  // The schema's version says what its fields are.
  return answer as V;
}

async function send(
  url: URL,
  { method, json }: Pick<Question, 'method' | 'json'>,
): Promise<string> {
  const { request } = await (url.protocol === 'https:'
    ? import('node:https')
    : import('node:http'));
  return new Promise((resolve, reject) => {
    const fail = (cause: unknown) => {
      const code = cause instanceof Error && 'code' in cause ? String(cause.code) : undefined;
      reject(unreachable(url, code ?? 'the connection broke off', cause));
    };
    // To verify the ledger takes as long as it takes; a gateway that has gone ends the connection.
    const timeout = method === 'GET' ? SILENCE_MS_MAX : 0;
    const headers = json === undefined ? {} : { 'content-type': 'application/json' };
    const asked = request(url, { method, timeout, headers, agent: false }, (response) => {
      collect(response).then(resolve, fail);
    });
    asked.on('timeout', () => asked.destroy());
    asked.on('error', fail);
    asked.end(json && JSON.stringify(json));
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
    const isOurs = 'code' in answer ? isErrorCode(answer.code) : 'schema' in answer;
    return isOurs ? { ...answer } : undefined;
  } catch {
    return undefined;
  }
}

function unreachable(url: URL, why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_GATEWAY_UNREACHABLE', { why: `${url.origin}: ${why}`, cause });
}
