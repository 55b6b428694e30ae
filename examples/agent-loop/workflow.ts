import { TerminalError, workflow, type Context, type StepOptions } from '@holdfast/agent';
import type { Message, ToolCall, Usage } from './chat.ts';
import { modelReachable, nextTurn } from './model.ts';
import { runTool } from './tools.ts';

export interface Task {
  readonly question: string;
  /** Messages that the model may send before it is stopped. Default 8. */
  readonly turnsMax?: number;
  /** What a million tokens cost. Default 0: not known. */
  readonly prices?: { readonly prompt: number; readonly completion: number };
}

export interface Answer {
  readonly answer: string;
  readonly turns: number;
  readonly spent: Spent;
}

export interface Spent extends Usage {
  /** In the currency of the prices. */
  readonly cost: number;
}

/** A turn that was paid for must not be lost, so giving up is for a day that never ends. */
const untilAnswered: StepOptions = {
  when: modelReachable,
  retry: { attempts: 200, minDelay: '500ms', maxDelay: '5m' },
  timeout: '2m',
};

const system = 'You look after the machine you run on. Read its sensors with the tools.';

/**
 * Answers a question with a model that may use tools.
 *
 * Every message of the model is a step, and so is every tool: after a crash the conversation goes
 * on behind the last of them, and no token is paid for twice. `holdfast workflow show` has the
 * turn it is at and what was spent.
 */
export const assistant = workflow('assistant', async (ctx, task: Task): Promise<Answer> => {
  const { question, turnsMax = 8 } = task;
  const messages: Message[] = [
    { role: 'system', content: system },
    { role: 'user', content: question },
  ];
  let spent: Spent = { promptTokens: 0, completionTokens: 0, cost: 0 };

  for (let turn = 1; turn <= turnsMax; turn += 1) {
    await ctx.setStatus({ turn, of: turnsMax, ...spent });
    const asked = [...messages]; // What is asked stays as it is while attempts go on.
    const { message, usage } = await ctx.step(
      `model turn ${turn}`,
      (info) => nextTurn(asked, info),
      untilAnswered,
    );
    spent = add(spent, usage, task.prices);
    messages.push(message);
    const calls = message.tool_calls ?? [];
    if (calls.length === 0) {
      await ctx.setStatus({ turn, of: turnsMax, ...spent });
      return { answer: message.content ?? '', turns: turn, spent };
    }
    messages.push(...(await Promise.all(calls.map((call) => useTool(ctx, call)))));
  }
  throw new TerminalError(`there was no answer within ${turnsMax} turns`);
});

/** A tool that fails is news for the model, not the end of the run. */
async function useTool(ctx: Context, call: ToolCall): Promise<Message> {
  const name = `tool ${call.function.name}`.slice(0, 128);
  const result = await ctx
    .step(name, (info) => runTool(call, info), { retry: { attempts: 3 }, timeout: '30s' })
    .catch((error: unknown) => ({ error: reasonOf(error) }));
  return { role: 'tool', tool_call_id: call.id, content: JSON.stringify(result) };
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}

function add(spent: Spent, usage: Usage, prices = { prompt: 0, completion: 0 }): Spent {
  const promptTokens = spent.promptTokens + usage.promptTokens;
  const completionTokens = spent.completionTokens + usage.completionTokens;
  const cost = (promptTokens * prices.prompt + completionTokens * prices.completion) / 1_000_000;
  return { promptTokens, completionTokens, cost };
}
