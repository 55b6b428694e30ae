import { createServer } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import test, { type ExecutionContext } from 'ava';
import { lackingIn, SocketClient } from '@holdfast/agent/internal';
import { HoldfastError } from '@holdfast/protocol';
import { tempDir } from '../../support/temp-dir.ts';

const fields = { name: true, holes: { count: true }, rows: { n: true } } as const;
const whole = { name: 'a', holes: { count: 1 }, rows: [{ n: 1 }] };

const answers: readonly (readonly [value: object, lacks: string | undefined])[] = [
  [whole, undefined],
  [{ ...whole, holes: null, more: 1 }, undefined],
  [{ ...whole, name: undefined }, 'name'],
  [{ name: 'a', rows: [] }, 'holes'],
  [{ ...whole, holes: {} }, 'holes.count'],
  [{ ...whole, rows: [{ n: 1 }, {}] }, 'rows.n'],
];

for (const [value, lacks] of answers) {
  test(`what ${JSON.stringify(value)} lacks is ${lacks ?? 'nothing'}`, (t) => {
    t.is(lackingIn(value, fields), lacks);
  });
}

/** An agent that answers everything with `view`. */
async function agentOf(t: ExecutionContext, view: object): Promise<SocketClient> {
  const path = join(await tempDir(t), 'agent.sock');
  const text = JSON.stringify(view);
  const server = createServer((_, response) => {
    response.writeHead(200, { 'content-length': Buffer.byteLength(text) }).end(text);
  }).listen(path);
  t.teardown(() => server.close());
  await once(server, 'listening');
  return new SocketClient(path);
}

test('a status of an older agent is refused, and what it lacks is named', async (t) => {
  const agent = await agentOf(t, { schema: 'holdfast.status/1', device: 'a', epoch: 1, key: null });

  const error = await t.throwsAsync(() => agent.status(), { instanceOf: HoldfastError });

  t.is(error.code, 'HF_AGENT_OLDER');
  t.regex(error.message, /its status has no certificate/);
  t.regex(error.hint, /Restart it/);
});

test('each view of an agent is looked at', async (t) => {
  const agent = await agentOf(t, {});
  const asks: readonly (() => Promise<unknown>)[] = [
    () => agent.status(),
    () => agent.backlog(),
    () => agent.runs({ limit: 1 }),
    () => agent.run('r'),
    () => agent.history('r'),
    () => agent.journal({ limit: 1 }),
    () => agent.schedules(),
  ];

  for (const ask of asks) await t.throwsAsync(ask, { code: 'HF_AGENT_OLDER' });
});
