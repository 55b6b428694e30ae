/** One message of a conversation, in the shape that chat-completions APIs speak. */
export type Message =
  | { readonly role: 'system' | 'user'; readonly content: string }
  | AssistantMessage
  | { readonly role: 'tool'; readonly tool_call_id: string; readonly content: string };

export interface AssistantMessage {
  readonly role: 'assistant';
  readonly content: string | null;
  readonly tool_calls?: readonly ToolCall[];
}

export interface ToolCall {
  readonly id: string;
  readonly type: 'function';
  /** `arguments` is JSON, as text; models have been seen to write other things there. */
  readonly function: { readonly name: string; readonly arguments: string };
}

/** What a turn was billed for. */
export interface Usage {
  readonly promptTokens: number;
  readonly completionTokens: number;
}

export interface Turn {
  readonly message: AssistantMessage;
  readonly usage: Usage;
}

/** Reads the body of an answer; `undefined`: it is not of the shape. */
export function readTurn(body: unknown): Turn | undefined {
  const { choices, usage } = fieldsOf(body);
  const first: unknown = Array.isArray(choices) ? choices[0] : undefined;
  const { content, tool_calls: calls = [] } = fieldsOf(fieldsOf(first)['message']);
  if (typeof content !== 'string' && content !== null && content !== undefined) return undefined;
  if (!Array.isArray(calls) || !calls.every(isToolCall)) return undefined;
  if (typeof content !== 'string' && calls.length === 0) return undefined;
  const { prompt_tokens: prompt, completion_tokens: completion } = fieldsOf(usage);
  return {
    message: {
      role: 'assistant',
      content: typeof content === 'string' ? content : null,
      ...(calls.length === 0 ? {} : { tool_calls: calls }),
    },
    usage: { promptTokens: countOf(prompt), completionTokens: countOf(completion) },
  };
}

function isToolCall(value: unknown): value is ToolCall {
  const { id, function: called } = fieldsOf(value);
  const { name, arguments: text } = fieldsOf(called);
  return typeof id === 'string' && typeof name === 'string' && typeof text === 'string';
}

function fieldsOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null ? { ...value } : {};
}

function countOf(value: unknown): number {
  return typeof value === 'number' && value >= 0 ? value : 0;
}
