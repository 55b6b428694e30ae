import { connect } from 'node:net';
import { HoldfastError, messageOf } from '@holdfast/protocol/base';

/** What is asked of the agent that listens on a Unix socket. */
export interface Question {
  readonly socketPath: string;
  readonly method: string;
  /** Of the address, as it goes over the wire. */
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  /** How long the agent may give no sign of life. */
  readonly answerMs: number;
}

export interface Reply {
  readonly status: number;
  readonly text: string;
}

const REPLY_BYTES_MAX = 64 * 1_048_576;
const PATH_BYTES_MAX = 107;
const HEAD_END = '\r\n\r\n';

/**
 * Asks once, over a connection of its own and in HTTP/1.0, whose answers end with the connection.
 * Node's own client takes longer to load than all else that a short command needs.
 *
 * @throws HF_AGENT_UNREACHABLE
 */
export async function askSocket(question: Question): Promise<Reply> {
  const { socketPath } = question;
  checkSocketPath(socketPath);
  const { bytes, error } = await received(question);
  const reply = replyIn(bytes);
  // Who has answered may close before it has read all of a question: its answer counts.
  if (reply !== undefined) return reply;
  if (error !== undefined) throw connectionError(socketPath, error);
  if (bytes.byteLength > 0) throw stranger(socketPath);
  throw unreachable(`${reasons['ECONNRESET']} ${socketPath}`);
}

interface Received {
  readonly bytes: Buffer;
  readonly error: Error | undefined;
}

function received(question: Question): Promise<Received> {
  const { socketPath, answerMs } = question;
  const chunks: Buffer[] = [];
  let left = REPLY_BYTES_MAX;
  return new Promise((resolve) => {
    // As a text alone, one of digits would be a port.
    const socket = connect({ path: socketPath });
    const end = (error?: Error) => resolve({ bytes: Buffer.concat(chunks), error });
    socket.on('data', (chunk) => {
      chunks.push(chunk);
      left -= chunk.byteLength;
      if (left < 0) socket.destroy(unreachable('the answer is larger than is taken'));
    });
    socket.setTimeout(answerMs, () => socket.destroy(silent(socketPath, answerMs)));
    socket.on('error', end).on('end', () => end());
    socket.write(written(question));
  });
}

function written({ method, path, headers, body }: Question): string {
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) };
  const lines = Object.entries({ ...headers, ...length }).map(
    ([name, value]) => `${name}: ${value}\r\n`,
  );
  return `${method} ${path} HTTP/1.0\r\n${lines.join('')}\r\n${body ?? ''}`;
}

/** `undefined`: it is not whole, or no answer. */
function replyIn(bytes: Buffer): Reply | undefined {
  const headBytes = bytes.indexOf(HEAD_END);
  const head = bytes.toString('latin1', 0, Math.max(headBytes, 0));
  const status = /^HTTP\/1\.\d (\d{3})/.exec(head)?.[1];
  const length = /^content-length: (\d+)/im.exec(head)?.[1];
  const body = bytes.subarray(headBytes + HEAD_END.length);
  if (status === undefined || body.byteLength < Number(length)) return undefined;
  return { status: Number(status), text: body.toString('utf8') };
}

/** @throws HF_AGENT_UNREACHABLE for a path that no socket can have. */
export function checkSocketPath(path: string): void {
  if (Buffer.byteLength(path) <= PATH_BYTES_MAX) return;
  const why = `${path} is longer than the ${PATH_BYTES_MAX} bytes of a socket path`;
  throw new HoldfastError('HF_AGENT_UNREACHABLE', { why, details: { code: 'ENAMETOOLONG' } });
}

export function silent(path: string, answerMs: number): HoldfastError {
  return unreachable(`the agent on ${path} does not answer within ${answerMs / 1_000} s`);
}

export function stranger(path: string, cause?: unknown): HoldfastError {
  return unreachable(`what answers on ${path} is not an agent`, cause);
}

function unreachable(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_AGENT_UNREACHABLE', { why, cause });
}

const reasons: Readonly<Record<string, string>> = {
  ENOENT: 'there is no socket',
  ECONNREFUSED: 'nobody listens on the socket',
  EACCES: 'this user may not use the socket',
  ECONNRESET: 'the agent ended before it answered on',
};

export function connectionError(path: string, error: unknown): HoldfastError {
  if (error instanceof HoldfastError) return error;
  const code = error instanceof Error && 'code' in error ? String(error.code) : '';
  const reason = reasons[code] ?? `${messageOf(error)} on`;
  const group = code === 'EACCES' ? '; its group may, as after `sudo adduser $USER holdfast`' : '';
  const why = `${reason} ${path}${group}`;
  return new HoldfastError('HF_AGENT_UNREACHABLE', { why, details: { code } });
}
