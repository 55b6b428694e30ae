import { readFile } from 'node:fs/promises';
import { HoldfastError } from '@holdfast/protocol';

/** The HTTP API of a gateway on this machine, as the gateway says where it is. */
export interface GatewayApi {
  readonly http: string;
  /** File with the token that lets who may read it use the API. */
  readonly tokenFile: string;
}

const ANSWER_MS_MAX = 20_000;

/** What a gateway in a process of its own has said when it was ready. */
export function apiOf({
  ready,
}: {
  readonly ready: Readonly<Record<string, unknown>>;
}): GatewayApi {
  return { http: String(ready['http']), tokenFile: String(ready['tokenFile']) };
}

/** Asks for a path of the API, as the admin of that machine. */
export async function askApi(
  { http, tokenFile }: GatewayApi,
  path: string,
  init: RequestInit = {},
): Promise<Response> {
  const token = (await readFile(tokenFile, 'utf8')).trim();
  const headers = new Headers(init.headers);
  headers.set('authorization', `Bearer ${token}`);
  return fetch(`${http}${path}`, {
    signal: AbortSignal.timeout(ANSWER_MS_MAX),
    ...init,
    headers,
  });
}

/** The JSON at a path of the API. @throws HF_GATEWAY_UNREACHABLE */
export async function getFromApi<T>(api: GatewayApi, path: string): Promise<T> {
  try {
    const answer = await askApi(api, path);
    if (answer.ok) return (await answer.json()) as T;
    throw new HoldfastError('HF_GATEWAY_UNREACHABLE', { why: `${path} answered ${answer.status}` });
  } catch (cause) {
    if (cause instanceof HoldfastError) throw cause;
    throw new HoldfastError('HF_GATEWAY_UNREACHABLE', { why: path, cause });
  }
}
