import { isIP, type Socket } from 'node:net';
import { HoldfastError, messageOf } from '@holdfast/protocol';
import type { HttpProxy } from '../core/proxy-address.ts';
import { systemWords } from './system-words.ts';

const ANSWER_MS_MAX = 10_000;

const refusals: Readonly<Record<number, string>> = {
  403: 'it lets nobody reach that',
  407: 'it wants a user and a password, or others than these',
  502: 'it could not reach that',
  503: 'it could not reach that',
  504: 'it could not reach that',
};

export interface WayOptions {
  /** Longest time until the proxy has answered. Default 10 s. */
  readonly ms?: number;
  /** Nobody waits for it any more. */
  readonly signal?: AbortSignal;
}

/**
 * A connection to a host and port, through a proxy that looks up the name.
 *
 * @throws HF_PROXY_UNUSABLE, naming why.
 */
export async function openWay(
  { url, password = '' }: HttpProxy,
  { host, port }: { readonly host: string; readonly port: number },
  { ms = ANSWER_MS_MAX, signal }: WayOptions = {},
): Promise<Socket> {
  // Few devices need it.
  const { request } = await import('node:http');
  const proxy = new URL(url);
  const path = `${isIP(host) === 6 ? `[${host}]` : host}:${port}`;
  const user = decodeURIComponent(proxy.username);
  const basic = Buffer.from(`${user}:${password}`).toString('base64');
  const shown = user === '' ? {} : { 'proxy-authorization': `Basic ${basic}` };
  const asked = request({
    ...{ host: proxy.hostname.replace(/^\[|\]$/g, ''), port: Number(proxy.port || 80) },
    ...{ method: 'CONNECT', path, agent: false, headers: { host: path, ...shown } },
    ...(signal === undefined ? {} : { signal }),
  });
  return new Promise((resolve, reject) => {
    const fail = (why: string, cause?: unknown): void => {
      clearTimeout(late);
      asked.destroy();
      const text = `${proxy.host}, on the way to ${path}: ${why}`;
      reject(new HoldfastError('HF_PROXY_UNUSABLE', { why: text, cause }));
    };
    const late = setTimeout(() => fail(`it said nothing within ${ms} ms`), ms);
    asked.on('error', (error) => fail(wordsOf(error), error));
    asked.once('connect', ({ statusCode = 0 }, socket: Socket, head) => {
      clearTimeout(late);
      if (statusCode >= 200 && statusCode < 300) {
        if (head.byteLength > 0) socket.unshift(head);
        return resolve(socket);
      }
      socket.destroy();
      fail(`${refusals[statusCode] ?? 'it refuses'} (HTTP ${statusCode})`);
    });
    asked.end();
  });
}

function wordsOf(error: NodeJS.ErrnoException): string {
  const { code = '' } = error;
  if (code.startsWith('HPE_')) return 'what answers is no HTTP proxy';
  if (code === 'ECONNRESET') return 'it ended the connection';
  const words = systemWords(code);
  return words === undefined ? messageOf(error) : `${words} (${code})`;
}
