import { once } from 'node:events';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { errorCatalogue, HoldfastError, messageOf, type Log } from '@holdfast/protocol';
import type { AgentSurface } from '../core/surface.ts';
import { statusOfCode } from './socket-errors.ts';
import { readBody, RequestError } from './socket-request.ts';
import type { Answer, Call, Fields, StreamAnswer } from './socket-request.ts';

/** A request, and where its answer goes. */
export interface Exchange {
  readonly surface: AgentSurface;
  readonly log: Log;
  readonly request: IncomingMessage;
  readonly response: ServerResponse;
  /** Aborts when the server closes. */
  readonly closing: AbortSignal;
  /** What answers the request. @throws RequestError */
  readonly find: (request: IncomingMessage) => Found;
  /** Of every answer. */
  readonly headers?: Readonly<Record<string, string>>;
}

/** What answers a request, and what it is told of it. */
export interface Found extends Pick<Call, 'id' | 'query'> {
  readonly answer: (call: Call) => Answer | StreamAnswer | Promise<Answer | StreamAnswer>;
  readonly fields?: Fields | undefined;
}

/** A client that does not read its answer is cut off after this. */
const ANSWER_MS = 10_000;

const METRICS_TYPE = 'text/plain; version=0.0.4; charset=utf-8';

/** Never rejects. */
export async function respond(exchange: Exchange): Promise<void> {
  const { response, log } = exchange;
  try {
    const found = await answer(exchange);
    if ('stream' in found) await sendStream(exchange, found);
    else send(exchange, found);
  } catch (error) {
    if (response.destroyed) return;
    const failure = asHoldfastError(error);
    if (failure.code === 'HF_INTERNAL') {
      log.error('a request failed', {
        request: `${exchange.request.method ?? ''} ${exchange.request.url ?? ''}`,
        error: error instanceof Error ? error.stack : messageOf(error),
      });
    }
    send(exchange, { status: statusOf(failure), body: { error: errorBody(failure) } });
  }
}

async function answer(exchange: Exchange): Promise<Answer | StreamAnswer> {
  const { surface, request, response, closing } = exchange;
  const route = exchange.find(request);
  const ended = new AbortController();
  const end = () => ended.abort();
  closing.addEventListener('abort', end, { once: true });
  response.once('close', () => {
    closing.removeEventListener('abort', end);
    end();
  });
  const body = route.fields === undefined ? {} : await readBody(request, route.fields);
  const { id, query } = route;
  return route.answer({ surface, request, query, body, id, ended: ended.signal });
}

function send({ request, response, closing, headers }: Exchange, answered: Answer): void {
  if (response.destroyed) return;
  const { bytes, type } = contentOf(answered);
  // What is left of an unread body would be taken for the next request.
  const isLast = !request.complete || closing.aborted;
  response.writeHead(answered.status, {
    ...headers,
    'content-type': type,
    'content-length': bytes.byteLength,
    'cache-control': 'no-store',
    ...(isLast ? { connection: 'close' } : {}),
  });
  response.setTimeout(ANSWER_MS, () => response.destroy());
  response.end(bytes);
}

function contentOf(answered: Answer): { readonly bytes: Uint8Array; readonly type: string } {
  if ('bytes' in answered) return answered;
  if ('text' in answered) return { bytes: Buffer.from(answered.text), type: METRICS_TYPE };
  const text = `${JSON.stringify(answered.body)}\n`;
  return { bytes: Buffer.from(text), type: 'application/json' };
}

/** What fails on the way cuts the answer off: whoever reads it sees that its end is missing. */
async function sendStream({ response, log }: Exchange, { stream }: StreamAnswer): Promise<void> {
  response.writeHead(200, { 'content-type': 'application/octet-stream', connection: 'close' });
  response.setTimeout(ANSWER_MS, () => response.destroy());
  const gone = new AbortController();
  response.once('close', () => gone.abort());
  try {
    await stream(async (bytes) => {
      gone.signal.throwIfAborted();
      if (!response.write(bytes)) await once(response, 'drain', { signal: gone.signal });
    });
    response.end();
  } catch (error) {
    if (!gone.signal.aborted) log.error('an answer was cut off', { error: messageOf(error) });
    response.destroy();
  }
}

function asHoldfastError(error: unknown): HoldfastError {
  return error instanceof HoldfastError
    ? error
    : new HoldfastError('HF_INTERNAL', { why: messageOf(error), cause: error });
}

function statusOf(error: HoldfastError): number {
  return error instanceof RequestError ? error.status : statusOfCode(error.code);
}

function errorBody(error: HoldfastError): Readonly<Record<string, string | null>> {
  const cause = error.cause === undefined ? null : messageOf(error.cause);
  return {
    code: error.code,
    message: errorCatalogue[error.code].message,
    why: error.why ?? cause,
    hint: error.hint,
  };
}
