import { join } from 'node:path';
import { until } from '@holdfast/device-sim';
import { Agent } from '@holdfast/agent';
import { Gateway } from '@holdfast/gateway';
import test, { type ExecutionContext } from 'ava';
import { tempDir } from '../support/temp-dir.ts';

const uplink = { retryMsMin: 20, retryMsMax: 200 };

async function regionOf(t: ExecutionContext, dataDir: string, region: string): Promise<Gateway> {
  const gateway = await Gateway.open({ dataDir, mqttPort: 0, region });
  t.teardown(() => gateway.close());
  return gateway;
}

const entriesAt = async ({ ledger }: Gateway): Promise<number> => (await ledger.verify()).entries;

test('a device of one region tells nothing to a gateway of another one', async (t) => {
  const dir = await tempDir(t);
  const eu = await regionOf(t, join(dir, 'eu'), 'eu');
  const us = await regionOf(t, join(dir, 'us'), 'us');
  const open = async (name: string, gateway: Gateway): Promise<Agent> => {
    const dataDir = join(dir, name);
    const agent = await Agent.open({
      ...{ dataDir, device: name, gateway: gateway.mqttUrl, workflows: [], uplink },
    });
    t.teardown(() => agent.close());
    return agent;
  };
  const problemOf = async (agent: Agent): Promise<string | undefined> =>
    (await agent.status()).link.problem?.code;

  // By its tag: whoever let it in said where it belongs.
  const pump = await open('pump-1', us);
  await until('a greeting', async () => (await us.ledger.device('pump-1')) !== undefined);
  await us.ledger.tag({ device: 'pump-1', tags: [{ name: 'region', value: 'eu' }] });
  await pump.close();
  const strayed = await open('pump-1', us);
  await strayed.emit('fact', 1);
  await until('a refusal', async () => (await problemOf(strayed)) === 'HF_DEVICE_REGION');
  t.is(await entriesAt(us), 0);
  t.is(strayed.isSynced, false);
  await strayed.close();

  // By its gateway's key: it believes no other one, wherever it is led.
  const till = await open('till-1', eu);
  await till.emit('fact', 1);
  await till.synced();
  await till.close();
  const led = await open('till-1', us);
  await led.emit('fact', 2);
  await until('an answer', async () => (await us.ledger.device('till-1')) !== undefined);
  await until('its welcome', async () => {
    return /^holdfast_uplink_rejected_messages_total [1-9]/m.test(await led.surface.metrics());
  });
  t.deepEqual([await entriesAt(eu), await entriesAt(us)], [1, 0]);
  await led.close();

  const home = await open('till-1', eu);
  await home.synced();
  t.is(await entriesAt(eu), 2);
});
