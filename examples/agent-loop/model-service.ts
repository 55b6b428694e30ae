import { Faults, type FaultOptions } from '../stand-ins/faults.ts';
import { BadRequest, serveJson, type Reply } from '../stand-ins/http-service.ts';
import type { Service } from '../stand-ins/http-service.ts';
import { IdempotentWork } from '../stand-ins/idempotent-work.ts';
import type { AssistantMessage, Message } from './chat.ts';

export interface ModelOptions extends FaultOptions {
  /** Default 0: choose. */
  readonly port?: number;
}

/** A row of `GET /bills`: a turn that was paid for. */
export interface BillRow {
  readonly key: string;
  readonly promptTokens: number;
  readonly completionTokens: number;
  /** Requests that came with the key. One was paid for. */
  readonly requests: number;
}

/**
 * Stands in for a provider of models. It speaks the shape of chat completions, with tool calls, and
 * bills each Idempotency-Key once.
 *
 *   POST /v1/chat/completions {messages, tools} → 200 · 429 with Retry-After · 503
 *   GET  /bills                                 → every turn that was paid for
 *   POST /faults {fail, kind, delayMs}          → what goes wrong from now
 *   POST /limit  {requests, seconds}            → so many 429s that name so many seconds
 *
 * What it says follows from the conversation: it asks for two readings at once, then files a note,
 * then answers. A question with `for ever` in it never gets an answer, one with `strange` makes it
 * ask for a tool that nobody has.
 *
 * @throws The system's error when the port cannot be had.
 */
export function serveModel(options: ModelOptions = {}): Promise<Service> {
  const faults = new Faults(options);
  const work = new IdempotentWork(faults);
  const bills: Omit<BillRow, 'requests'>[] = [];
  const limit = { requests: 0, seconds: 0 };

  return serveJson(options.port ?? 0, {
    'POST /v1/chat/completions': (request) => {
      const messages = readMessages(request.body);
      if (limit.requests > 0) {
        limit.requests -= 1;
        return tooMany(limit.seconds);
      }
      return work.answer(request, 'model', (key) => {
        const completion = complete(messages, bills.length + 1);
        const { prompt_tokens: promptTokens, completion_tokens: completionTokens } =
          completion.usage;
        bills.push({ key, promptTokens, completionTokens });
        return { status: 200, body: completion };
      });
    },
    'GET /bills': () => ({
      status: 200,
      body: bills.map((row): BillRow => ({ ...row, requests: work.requests(row.key) })),
    }),
    'POST /faults': ({ body }) => ({ status: 200, body: faults.order(body) }),
    'POST /limit': ({ body }) => {
      limit.requests = Number(body['requests'] ?? 0);
      limit.seconds = Number(body['seconds'] ?? 0);
      return { status: 200, body: limit };
    },
  });
}

function tooMany(seconds: number): Reply {
  const body = { error: { message: 'rate limit', type: 'rate_limit_error' } };
  return { status: 429, headers: { 'retry-after': String(seconds) }, body };
}

function complete(messages: readonly Message[], nth: number) {
  const message = nextMessage(messages, nth);
  const usage = { prompt_tokens: tokensOf(messages), completion_tokens: tokensOf(message) };
  const finish = message.tool_calls === undefined ? 'stop' : 'tool_calls';
  return {
    id: `chatcmpl-${nth}`,
    object: 'chat.completion',
    choices: [{ index: 0, message, finish_reason: finish }],
    usage: { ...usage, total_tokens: usage.prompt_tokens + usage.completion_tokens },
  };
}

function nextMessage(messages: readonly Message[], nth: number): AssistantMessage {
  const question = messages.find(({ role }) => role === 'user')?.content ?? '';
  const turns = messages.filter(({ role }) => role === 'assistant').length;
  if (question.includes('for ever')) return asking(nth, [['read_load', {}]]);
  if (turns === 0 && question.includes('strange')) return asking(nth, [['open_door', {}]]);
  if (turns === 0) {
    return asking(nth, [
      ['read_load', {}],
      ['read_memory', {}],
    ]);
  }
  if (turns === 1) return asking(nth, [['file_note', { text: `About: ${question}` }]]);
  const said = messages.filter(({ role }) => role === 'tool').map(({ content }) => content);
  return { role: 'assistant', content: `All is well. I looked at ${said.join(' and ')}` };
}

type Ask = readonly [tool: string, input: unknown];

function asking(nth: number, asks: readonly Ask[]): AssistantMessage {
  return {
    role: 'assistant',
    content: null,
    tool_calls: asks.map(([name, input], index) => ({
      id: `call-${nth}-${index}`,
      type: 'function',
      function: { name, arguments: JSON.stringify(input) },
    })),
  };
}

/** About four letters a token. */
function tokensOf(value: unknown): number {
  return Math.ceil(JSON.stringify(value).length / 4);
}

function readMessages(body: Readonly<Record<string, unknown>>): readonly Message[] {
  const { messages } = body;
  if (!Array.isArray(messages) || messages.length === 0) {
    throw new BadRequest('messages is missing');
  }
  return messages as readonly Message[]; // It is the client's to keep to the shape.
}
