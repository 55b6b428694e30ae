import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import test from 'ava';
import { RetryableError, TerminalError, type StepInfo } from '@holdfast/agent';
import { readTurn } from '@holdfast/examples/agent-loop/chat';
import { decisionOf } from '@holdfast/examples/approval/decision';
import { fault, serveJson, type Reply } from '@holdfast/examples/stand-ins/http-service';

const main = fileURLToPath(
  new URL('../../../../examples/dist/stand-ins/main.js', import.meta.url),
);

test('each stand-in says where it is and ends on SIGTERM', async (t) => {
  for (const name of ['meters', 'travel', 'notices', 'model']) {
    const child = spawn(process.execPath, [main, name, '--port', '0']);
    t.teardown(() => child.kill('SIGKILL'));
    const ended = once(child, 'close');
    const [line] = (await once(child.stdout, 'data')) as [Buffer];
    const { url } = JSON.parse(line.toString()) as { readonly url: string };
    const answer = await fetch(`${url}/faults`, { method: 'POST', body: '{"fail":1}' });
    t.deepEqual(await answer.json(), { fail: 1, delayMs: 0 }, name);
    child.kill('SIGTERM');
    t.deepEqual(await ended, [0, null], name);
  }
});

test('a stand-in that is not there is refused with the names of those that are', async (t) => {
  for (const args of [[], ['weather'], ['meters', '--port', 'x'], ['meters', '--colour']]) {
    const child = spawn(process.execPath, [main, ...args]);
    t.teardown(() => child.kill('SIGKILL'));
    let said = '';
    child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
    t.deepEqual(await once(child, 'close'), [2, null], args.join(' '));
    t.regex(said, /meters, travel, notices, model/);
  }
});

test('what people type is a decision only if it says who, and yes or no', (t) => {
  const said = { approved: true, by: 'ada' };
  t.deepEqual(decisionOf(said), said);
  t.deepEqual(decisionOf({ ...said, note: 'ok', extra: 1 }), { ...said, note: 'ok' });
  for (const other of [null, 'yes', [], {}, { approved: 'yes', by: 'ada' }, { approved: true }]) {
    t.is(decisionOf(other), undefined);
  }
  t.is(decisionOf({ approved: true, by: '' }), undefined);
});

test('an answer of a model that is not of the shape is none', (t) => {
  const body = (message: unknown, usage?: unknown): unknown => ({ choices: [{ message }], usage });
  const call = { id: 'c', type: 'function', function: { name: 'f', arguments: '' } };
  t.deepEqual(readTurn(body({ content: 'hello' }, { prompt_tokens: 2, completion_tokens: -1 })), {
    message: { role: 'assistant', content: 'hello' },
    usage: { promptTokens: 2, completionTokens: 0 },
  });
  t.deepEqual(readTurn(body({ content: null, tool_calls: [call] }))?.message, {
    ...{ role: 'assistant', content: null, tool_calls: [call] },
  });
  const others: unknown[] = [
    ...[null, 'hello', {}, { choices: [] }, { choices: 'x' }, body({}), body({ content: 7 })],
    ...[body({ content: null, tool_calls: [] }), body({ content: '', tool_calls: 'x' })],
    body({ content: null, tool_calls: [{ ...call, function: { name: 'f', arguments: {} } }] }),
  ];
  for (const other of others) t.is(readTurn(other), undefined, JSON.stringify(other));
});

test('what a model answers decides whether, and when, it is asked again', async (t) => {
  let reply: Reply = fault(500, 'not set');
  const service = await serveJson(0, { 'POST /v1/chat/completions': () => reply });
  t.teardown(() => service.close());
  process.env['MODEL_URL'] = service.url;
  // Read when it is loaded, as in an agent that starts.
  const { nextTurn } = await import('@holdfast/examples/agent-loop/model');
  const { signal } = new AbortController();
  const ask = async (next: Reply): Promise<unknown> => {
    reply = next;
    const info: Partial<StepInfo> = { idempotencyKey: 'k', attempt: 1, signal, token: '' };
    // Of what a step is given, this uses no more.
    return nextTurn([], info as StepInfo).catch((error: unknown) => error);
  };
  const after = (status: number, header: string): Reply => {
    return { status, headers: { 'retry-after': header }, body: {} };
  };

  const waits = async (next: Reply): Promise<unknown> => {
    const error = await ask(next);
    return error instanceof RetryableError ? error.retryAfter : error;
  };
  t.is(await waits(after(429, '7')), '7s');
  t.is(await waits(after(503, '99999999')), '3600s');
  t.is(await waits(after(429, new Date(Date.now() - 60_000).toUTCString())), '0s');
  t.regex(String(await waits(after(429, new Date(Date.now() + 9_500).toUTCString()))), /^\d+s$/);
  for (const passing of [after(429, 'soon'), fault(500, 'x'), fault(409, 'x'), fault(408, 'x')]) {
    t.like(await ask(passing), { name: 'ModelUnavailable' });
  }
  t.like(await ask({ status: 200, body: { choices: [] } }), { name: 'ModelUnavailable' });
  for (const status of [400, 401, 404]) {
    t.true((await ask(fault(status, 'x'))) instanceof TerminalError);
  }
});
