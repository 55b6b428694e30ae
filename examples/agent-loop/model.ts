import { RetryableError, TerminalError, type StepInfo } from '@holdfast/agent';
import { readTurn, type Message, type Turn } from './chat.ts';
import { toolSpecs } from './tools.ts';

const modelUrl = new URL(process.env['MODEL_URL'] ?? 'http://127.0.0.1:4006');
const modelName = process.env['MODEL_NAME'] ?? 'stand-in-1';

/** A rate limit beyond this is a mistake, or a contract that is used up. */
const RETRY_AFTER_S_MAX = 3_600;

/** Holds when the model can be reached: a step that waits for it uses none of its attempts. */
export const modelReachable = `reachable(${modelUrl.hostname}:${portOf(modelUrl)})`;

/** The model gave no answer that can be used. */
export class ModelUnavailable extends Error {
  override readonly name = 'ModelUnavailable';
}

/**
 * Asks the model for its next message.
 *
 * The idempotency key is the same in every attempt, so a provider that honours it bills a turn once
 * even when the answer was lost on the way. An answer that arrived is journaled and never asked for
 * again, whatever the provider does.
 *
 * @throws TerminalError for a request that no repetition mends: a wrong key, an unknown model.
 */
export async function nextTurn(messages: readonly Message[], info: StepInfo): Promise<Turn> {
  const response = await fetch(new URL('/v1/chat/completions', modelUrl), {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      'idempotency-key': info.idempotencyKey,
      // Read here and only here: what a step does not return is not journaled.
      authorization: `Bearer ${process.env['MODEL_API_KEY'] ?? ''}`,
    },
    body: JSON.stringify({ model: modelName, messages, tools: toolSpecs }),
    signal: info.signal,
  });
  if (!response.ok) throw await failureOf(response);
  const turn = readTurn(await response.json());
  if (turn === undefined) throw new ModelUnavailable('the answer is not of the shape');
  return turn;
}

async function failureOf(response: Response): Promise<Error> {
  await response.body?.cancel();
  const { status } = response;
  const retryAfter = retryAfterOf(response.headers.get('retry-after'));
  if (retryAfter !== undefined && (status === 429 || status >= 500)) {
    return new RetryableError(`the model answered ${status}`, { retryAfter });
  }
  const isPassing = status === 408 || status === 409 || status === 429 || status >= 500;
  if (isPassing) return new ModelUnavailable(`the model answered ${status}`);
  return new TerminalError(`the model refused the request with ${status}`);
}

/** `Retry-After` is seconds or a date [RFC 9110, 10.2.3]. */
function retryAfterOf(header: string | null): string | undefined {
  if (header === null) return undefined;
  const seconds = /^\d+$/.test(header) ? Number(header) : (Date.parse(header) - Date.now()) / 1_000;
  if (Number.isNaN(seconds)) return undefined;
  return `${Math.min(RETRY_AFTER_S_MAX, Math.max(0, Math.ceil(seconds)))}s`;
}

function portOf({ port, protocol }: URL): string {
  if (port !== '') return port;
  return protocol === 'https:' ? '443' : '80';
}
