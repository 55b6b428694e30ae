import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { readFile, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { Agent, workflow } from '@holdfast/agent';
import { askApi, until } from '@holdfast/device-sim';
import { Gateway } from '@holdfast/gateway';
import test, { type ExecutionContext } from 'ava';
import { runGateway } from '../support/gateway-process.ts';
import { tempDir } from '../support/temp-dir.ts';

const sell = workflow('sell', async (ctx, sku: string) => ctx.step('take', () => `took ${sku}`));

interface Told {
  readonly id: string;
  readonly type: string;
  readonly isSigned: boolean;
}

/** An endpoint that is away at first, and then verifies what it is told. */
async function endpointOf(t: ExecutionContext) {
  const told: Told[] = [];
  const state = { secret: '', isAway: true };
  const server = createServer((request, response) => {
    let body = '';
    request.setEncoding('utf8').on('data', (chunk: string) => (body += chunk));
    request.on('end', () => {
      const header = (name: string): string => String(request.headers[name]);
      const key = Buffer.from(state.secret.replace('whsec_', ''), 'base64');
      const text = `${header('webhook-id')}.${header('webhook-timestamp')}.${body}`;
      const mac = createHmac('sha256', key).update(text).digest('base64');
      const { id, type } = JSON.parse(body) as Told;
      const isSigned = header('webhook-signature') === `v1,${mac}`;
      if (!state.isAway) told.push({ id, type, isSigned });
      response.writeHead(state.isAway ? 503 : 204).end();
    });
  });
  await once(server.listen(0, '127.0.0.1'), 'listening');
  t.teardown(() => {
    server.closeAllConnections();
    server.close();
  });
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/`, told, state };
}

test('what devices do is told to a webhook, over a restart, and can be exported', async (t) => {
  const { url, told, state } = await endpointOf(t);
  const dataDir = join(await tempDir(t), 'gateway');
  const options = { dataDir, mqttPort: 0, httpPort: 0, webhookAllowPrivate: true };
  let gateway = await Gateway.open(options);
  t.teardown(() => gateway.close().catch(() => undefined));
  const at = ['--data-dir', dataDir] as const;
  const added = await runGateway('webhook', 'add', url, '--workflow', 'sell', ...at, '-o', 'json');
  const { id, secret } = JSON.parse(added.stdout) as { id: string; secret: string };
  state.secret = secret;
  const agent = await Agent.open({
    ...{ dataDir: await tempDir(t), device: 'd1', gateway: gateway.mqttUrl, workflows: [sell] },
  });
  t.teardown(() => agent.close().catch(() => undefined));
  for (const sku of ['a', 'b']) await (await agent.start(sell, sku, { id: sku })).result();
  await agent.synced();
  await agent.close();

  const failed = await runGateway('webhook', 'test', id, ...at);
  t.is(failed.code, 1);
  t.regex(failed.stdout, /✗ wh-\w+ did not take it: it answered 503/);
  await gateway.close();
  const key = Buffer.from(secret.replace('whsec_', ''), 'base64');
  for (const name of await readdir(join(dataDir, 'ledger'))) {
    const bytes = await readFile(join(dataDir, 'ledger', name));
    t.false(bytes.includes(key), `${name} has the secret of the webhook`);
  }
  state.isAway = false;
  gateway = await Gateway.open(options);
  await until('all is told', async () => told.length >= 6);

  t.true(told.every(({ isSigned }) => isSigned));
  const types = ['run.started', 'step.completed', 'run.completed'];
  t.deepEqual(
    told.map(({ type }) => type),
    [...types, ...types].map((type) => `dev.holdfast.${type}`),
  );
  const api = { http: gateway.httpUrl, tokenFile: gateway.tokenFile };
  const exported = await askApi(api, '/api/export?workflow=sell');
  const lines = (await exported.text()).trim().split('\n');
  const ids = lines.map((line) => (JSON.parse(line) as Told).id);
  t.deepEqual(ids, told.map((each) => each.id));
  const csv = await runGateway('export', '--format', 'csv', '--kind', 'run.completed', ...at);
  t.is(csv.stdout.split('\r\n').length, 4, csv.stderr);
  const rest = await runGateway('export', '--workflow', 'sell', '--after', ids[3] ?? '', ...at);
  t.deepEqual(rest.stdout.trim().split('\n'), lines.slice(4));
  t.regex((await runGateway('webhook', 'ls', ...at)).stdout, /active/);
  t.is((await runGateway('webhook', 'remove', id, ...at)).code, 0);
  t.is((await runGateway('webhook', 'remove', id, ...at)).code, 1);

  await gateway.close();
  const inside = await runGateway('webhook', 'add', url, ...at);
  t.regex(inside.stderr, /HF_WEBHOOK_TARGET/);
});
