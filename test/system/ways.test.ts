import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import ava, { type ExecutionContext } from 'ava';
import { Agent, type AgentOptions } from '@holdfast/agent';
import { until } from '@holdfast/device-sim';
import { Gateway, type GatewayOptions } from '@holdfast/gateway';
import { freePort, startMosquitto } from '../support/brokers.ts';
import { hasProgram } from '../support/program.ts';
import { tempDir } from '../support/temp-dir.ts';
import { TestCa } from '../support/test-ca.ts';

const test = ava;
const withOpenssl = hasProgram('openssl') ? ava : ava.skip;
const withMosquitto = hasProgram('mosquitto') ? ava : ava.skip;
const uplink = { retryMsMin: 20, retryMsMax: 200 };

async function openGateway(
  t: ExecutionContext,
  options: Partial<GatewayOptions> = {},
): Promise<Gateway> {
  const gateway = await Gateway.open({ dataDir: await tempDir(t), mqttPort: 0, ...options });
  t.teardown(() => gateway.close());
  return gateway;
}

async function openAgent(t: ExecutionContext, options: Partial<AgentOptions>): Promise<Agent> {
  const place = { dataDir: await tempDir(t), device: 'till-1' };
  const agent = await Agent.open({ workflows: [], uplink, ...place, ...options });
  t.teardown(() => agent.close());
  return agent;
}

/** The address of a gateway, by WebSocket. */
const byWebSocket = ({ mqttUrl }: Gateway) => `${mqttUrl.replace(/^mqtt/, 'ws')}/mqtt`;

/** Delivers more than a message holds. */
async function delivers(t: ExecutionContext, agent: Agent): Promise<void> {
  for (let n = 0; n < 40; n += 1) await agent.emit('fact', 'x'.repeat(8_000));
  await agent.synced();
  t.is((await agent.status()).link.problem, null);
}

test('a device reaches the built-in broker by WebSocket, on the port of MQTT', async (t) => {
  const gateway = await openGateway(t);
  const agent = await openAgent(t, { gateway: byWebSocket(gateway) });

  await delivers(t, agent);
});

withOpenssl('by wss, TLS is that of mqtts, and so are its causes (needs openssl)', async (t) => {
  const ca = await TestCa.make(await tempDir(t), 'ca');
  const other = await TestCa.make(await tempDir(t), 'other');
  const gateway = await openGateway(t, { tls: await ca.issue('gateway', 'IP:127.0.0.1') });
  const url = byWebSocket(gateway);
  const agent = await openAgent(t, { gateway: url, tls: { ca: await ca.read() } });

  await delivers(t, agent);

  t.regex(url, /^wss:/);
  const stranger = await openAgent(t, { gateway: url, tls: { ca: await other.read() } });
  const look = async () => (await stranger.status()).link.problem ?? undefined;
  t.is((await until('a problem', look)).code, 'HF_GATEWAY_UNTRUSTED');
});

withMosquitto('a device reaches Mosquitto by WebSocket (needs mosquitto)', async (t) => {
  const port = await freePort();
  const webSocket = [`listener ${port} 127.0.0.1`, 'protocol websockets'];
  const mosquitto = await startMosquitto(t, ['allow_anonymous true', ...webSocket]);
  const gateway = await openGateway(t, { broker: mosquitto.url });
  await gateway.ready();
  const agent = await openAgent(t, { gateway: `ws://127.0.0.1:${port}/mqtt` });

  await delivers(t, agent);
});

test('what takes no WebSocket is told, with what it answered', async (t) => {
  const server = createServer((_request, response) => response.writeHead(404).end());
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.teardown(() => server.close());
  const { port } = server.address() as AddressInfo;
  const agent = await openAgent(t, { gateway: `ws://127.0.0.1:${port}/elsewhere` });

  const look = async () => (await agent.status()).link.problem ?? undefined;
  const { code, message } = await until('a problem', look);

  t.is(code, 'HF_GATEWAY_UNREACHABLE');
  t.regex(message, /HTTP 404/);
});
