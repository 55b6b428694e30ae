import {
  HoldfastError,
  VALUE_INLINE_MAX,
  displayValue,
  encodeValue,
  messageOf,
} from '@holdfast/protocol';
import type { CallExecutor, HandlerInfo } from '../core/handler-ports.ts';
import type { PendingCall } from '../core/call.ts';

/** Most answers of this size fit into an entry; `encodeValue` refuses those that do not. */
const ANSWER_BYTES_MAX = 48 * 1024;
/** What of a refusal's body becomes part of the error. */
const REFUSAL_LENGTH_MAX = 500;
/** UTF-8 takes at most 4 bytes a character. */
const REFUSAL_BYTES_MAX = REFUSAL_LENGTH_MAX * 4;

/**
 * Executes calls by POST to an HTTP endpoint: the body is the JSON form of the input, the header
 * `Idempotency-Key` is the same in every attempt of a call. `x-holdfast-device` and
 * `x-holdfast-run` say who calls. Header values with characters outside ASCII, or with `%`, are
 * percent-encoded. Where the call belongs to a trace, `traceparent` is its place in it.
 *
 * 2xx: the JSON body is the result, an empty one is `null`. 408, 425, 429, 5xx and a broken
 * connection are repeated, not before `Retry-After`. Everything else, redirects included, is final.
 */
export function endpointExecutor(url: URL): CallExecutor {
  return async (call, info) => {
    const response = await post(url, call, info);
    const { status } = response;
    if (status >= 200 && status < 300) return readResult(url, response);
    const why = `${placeOf(url)} answered ${status}: ${await readRefusal(response)}`;
    if (status === 408 || status === 425 || status === 429 || status >= 500) {
      const retryAfterMs = readRetryAfter(response.headers.get('retry-after'), Date.now());
      throw new HoldfastError('HF_HANDLER_UNAVAILABLE', { why, details: { status, retryAfterMs } });
    }
    throw new HoldfastError('HF_HANDLER_REFUSED', { why, details: { status } });
  };
}

/**
 * Reads the address of an endpoint.
 *
 * @throws HF_USAGE for what is no http or https URL, and for one with a user name or password.
 */
export function parseEndpoint(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || (url.protocol !== 'http:' && url.protocol !== 'https:')) {
    throw new HoldfastError('HF_USAGE', { why: `${text} is not an http:// or https:// URL` });
  }
  if (url.username !== '' || url.password !== '') {
    throw new HoldfastError('HF_USAGE', { why: 'the URL of a handler may not have a password' });
  }
  return url;
}

async function post(url: URL, call: PendingCall, info: HandlerInfo): Promise<Response> {
  const body = JSON.stringify(displayValue(call.input) ?? null);
  try {
    return await fetch(url, {
      method: 'POST',
      redirect: 'manual',
      signal: info.signal,
      headers: {
        'content-type': 'application/json',
        accept: 'application/json',
        'idempotency-key': headerText(info.idempotencyKey),
        'x-holdfast-device': info.device,
        'x-holdfast-run': headerText(info.run),
        'x-holdfast-attempt': String(info.attempt),
        ...(info.traceparent !== undefined && { traceparent: info.traceparent }),
      },
      body,
    });
  } catch (cause) {
    throw unreachable(url, cause);
  }
}

function headerText(text: string): string {
  return /^[!-$&-~]([ -$&-~]*[!-$&-~])?$/.test(text) ? text : encodeURIComponent(text);
}

/** Where an endpoint is, without its query, which may hold a secret. */
function placeOf(url: URL): string {
  return `${url.origin}${url.pathname}`;
}

function unreachable(url: URL, cause: unknown): HoldfastError {
  const inner = cause instanceof Error && cause.cause instanceof Error ? cause.cause : cause;
  const code = inner instanceof Error && 'code' in inner ? inner.code : undefined;
  const why = `${placeOf(url)}: ${typeof code === 'string' ? code : messageOf(inner)}`;
  return new HoldfastError('HF_HANDLER_UNAVAILABLE', { why, cause });
}

async function readResult(url: URL, response: Response): Promise<Uint8Array> {
  const unusable = (what: string, cause?: unknown) =>
    new HoldfastError('HF_HANDLER_ANSWER', { why: `that of ${placeOf(url)} ${what}`, cause });
  let body: Body;
  try {
    body = await readBody(response, ANSWER_BYTES_MAX);
  } catch (cause) {
    throw unreachable(url, cause);
  }
  if (body.isCut) throw unusable(`is larger than ${ANSWER_BYTES_MAX} bytes`);
  if (body.text.trim() === '') return encodeValue(null);
  let value: unknown;
  try {
    value = JSON.parse(body.text);
  } catch (cause) {
    throw unusable('is not JSON', cause);
  }
  return encodeValue(value, 'result', VALUE_INLINE_MAX);
}

async function readRefusal(response: Response): Promise<string> {
  try {
    const { text } = await readBody(response, REFUSAL_BYTES_MAX);
    const redirect = response.status >= 300 && response.status < 400;
    const said = text.trim().slice(0, REFUSAL_LENGTH_MAX);
    if (redirect) return `redirects are not followed${said === '' ? '' : `; ${said}`}`;
    return said === '' ? response.statusText || 'no body' : said;
  } catch {
    return response.statusText; // The status is known; that its explanation broke off is no matter.
  }
}

interface Body {
  readonly text: string;
  /** It was longer: the rest was not read. */
  readonly isCut: boolean;
}

async function readBody(response: Response, bytesMax: number): Promise<Body> {
  const decoder = new TextDecoder();
  let text = '';
  let left = bytesMax;
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk.subarray(0, left), { stream: true });
    // Leaving the loop cancels the rest.
    if (chunk.byteLength > left) return { text, isCut: true };
    left -= chunk.byteLength;
  }
  return { text: text + decoder.decode(), isCut: false };
}

/** `Retry-After` as seconds or as a date; 0: not given, not readable, or over. */
export function readRetryAfter(header: string | null, nowMs: number): number {
  if (header === null) return 0;
  const text = header.trim();
  if (/^\d{1,9}$/.test(text)) return Number(text) * 1_000;
  const atMs = Date.parse(text);
  return Number.isNaN(atMs) ? 0 : Math.max(0, atMs - nowMs);
}
