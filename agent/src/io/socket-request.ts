import type { IncomingMessage } from 'node:http';
import { HoldfastError, lanes, messageOf, type Lane } from '@holdfast/protocol';
import type { AgentSurface, SendBytes } from '../core/surface.ts';

/** One MiB: the largest input of a run is well below. */
export const BODY_BYTES_MAX = 1_048_576;

/** A request that cannot be answered, and the HTTP status that says so. */
export class RequestError extends HoldfastError {
  readonly status: number;

  constructor(status: number, why: string) {
    super('HF_REQUEST_INVALID', { why });
    this.status = status;
  }
}

export interface Call {
  readonly surface: AgentSurface;
  readonly request: IncomingMessage;
  readonly query: URLSearchParams;
  /** With the fields of its route, checked. */
  readonly body: Readonly<Record<string, unknown>>;
  /** The part of the path that stands for `:id`; empty where there is none. */
  readonly id: string;
  /** Aborts when the client goes away or the server closes. */
  readonly ended: AbortSignal;
}

/** JSON, text in the format of Prometheus, or a file of a type. */
export type Answer =
  | { readonly status: number; readonly body: unknown }
  | { readonly status: number; readonly text: string }
  | { readonly status: number; readonly bytes: Uint8Array; readonly type: string };

/** An answer of any length: bytes, as they come. */
export interface StreamAnswer {
  readonly stream: (send: SendBytes) => Promise<void>;
}

export interface Target {
  /** Decoded parts of the path. */
  readonly segments: readonly string[];
  readonly query: URLSearchParams;
}

/** Splits by hand: `URL` would fold `/runs/..`, and run ids may be any printable name. */
export function parseTarget(url: string): Target {
  const mark = url.indexOf('?');
  const path = mark < 0 ? url : url.slice(0, mark);
  try {
    return {
      segments: path.split('/').slice(1).map(decodeURIComponent),
      query: new URLSearchParams(mark < 0 ? '' : url.slice(mark + 1)),
    };
  } catch {
    throw new RequestError(400, `the path ${path} is not percent-encoded UTF-8`);
  }
}

/** @throws RequestError (400) for a parameter that is not known, or that is given twice. */
export function checkQuery(query: URLSearchParams, known: readonly string[]): void {
  for (const name of new Set(query.keys())) {
    if (!known.includes(name)) throw new RequestError(400, `the parameter ${name} is not known`);
    if (query.getAll(name).length > 1) throw new RequestError(400, `${name} is given twice`);
  }
}

export const LANE_WRONG = `lane is none of ${lanes.join(', ')}`;

export function isLane(text: string): text is Lane {
  return (lanes as readonly string[]).includes(text);
}

export interface Range {
  readonly min: number;
  readonly max: number;
}

/** @throws RequestError (400) unless the parameter is absent or an integer in the range. */
export function queryInteger(
  query: URLSearchParams,
  name: string,
  range: Range,
): number | undefined {
  const text = query.get(name);
  if (text === null) return undefined;
  const value = /^\d{1,16}$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= range.min && value <= range.max)) {
    throw new RequestError(400, `${name} is not an integer from ${range.min} to ${range.max}`);
  }
  return value;
}

/** @throws RequestError (400) unless the parameter is absent, `0`, `1`, `false` or `true`. */
export function queryFlag(query: URLSearchParams, name: string): boolean {
  const text = query.get(name) ?? '0';
  if (!['0', '1', 'false', 'true'].includes(text)) {
    throw new RequestError(400, `${name} is neither 0 nor 1`);
  }
  return text === '1' || text === 'true';
}

/** The fields of a JSON body; those that may be absent end with `?`. A flag is true or false. */
export type Fields = Readonly<Record<string, 'text' | 'text?' | 'flag?' | 'any?'>>;

/**
 * Reads the body, at most a MiB. An empty one counts as `{}`.
 *
 * @throws RequestError (413), HF_INPUT_INVALID for what is no JSON object with these fields.
 */
export async function readBody(
  request: IncomingMessage,
  fields: Fields,
): Promise<Readonly<Record<string, unknown>>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request) {
    // The stream has no encoding set, so its chunks are buffers.
    const part = chunk as Buffer;
    bytes += part.byteLength;
    if (bytes <= BODY_BYTES_MAX) chunks.push(part);
  }
  // Read to its end all the same: a client that is cut off while it writes never sees the answer.
  if (bytes > BODY_BYTES_MAX) {
    throw new RequestError(413, `the body has more than ${BODY_BYTES_MAX} bytes`);
  }
  return checkFields(bytes === 0 ? {} : parseObject(Buffer.concat(chunks)), fields);
}

function parseObject(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (error) {
    throw new HoldfastError('HF_INPUT_INVALID', { why: messageOf(error) });
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new HoldfastError('HF_INPUT_INVALID', { why: 'the body is not a JSON object' });
  }
  return value as Readonly<Record<string, unknown>>;
}

function checkFields(
  body: Readonly<Record<string, unknown>>,
  fields: Fields,
): Readonly<Record<string, unknown>> {
  for (const name of Object.keys(body)) {
    if (!Object.hasOwn(fields, name)) {
      throw new HoldfastError('HF_INPUT_INVALID', { why: `the field ${name} is not known` });
    }
  }
  for (const [name, kind] of Object.entries(fields)) {
    const value = body[name];
    if (kind === 'any?' || (value === undefined && kind.endsWith('?'))) continue;
    const [type, noun] = kind === 'flag?' ? ['boolean', 'true or false'] : ['string', 'text'];
    if (typeof value === type) continue;
    throw new HoldfastError('HF_INPUT_INVALID', { why: `the field ${name} is not ${noun}` });
  }
  return body;
}
