import test from 'ava';
import { Agent } from '@holdfast/agent';
import { examine, openBrokerMemory } from '@holdfast/agent/internal';
import { Gateway } from '@holdfast/gateway';
import { brokerProfile, brokerProfileNames, encodeValue } from '@holdfast/protocol';
import { until } from '../support/calls.ts';
import { startHarshBroker } from '../support/harsh-broker.ts';
import { SimChance } from '../support/sim-chance.ts';
import { tempDir } from '../support/temp-dir.ts';

/** The longest that there may be. */
const device = 'd'.repeat(64);

/** Not how long it takes: on a machine that does other things, each step of it may take seconds. */
const patience = { timeout: '3m' } as const;

const COMMANDS = 24;

for (const name of brokerProfileNames) {
  test(`${name}: a device and its gateway keep to its limits, and drain`, async (t) => {
    const profile = brokerProfile(name);
    const broker = await startHarshBroker(t, profile);
    const address = `mqtt://127.0.0.1:${broker.port}`;
    const own = { broker: address, brokerProfile: name };
    const gateway = await Gateway.open({ dataDir: await tempDir(t), ...own });
    t.teardown(() => gateway.close());
    const options = { dataDir: await tempDir(t), device, workflows: [] };
    // Before there is a link, so that all of it could go at once.
    const before = await Agent.open(options);
    t.teardown(() => before.close());
    const noise = new SimChance(1);
    const facts = Array.from({ length: 500 }, () => noise.bytes(1_500));
    await Promise.all(facts.map((each) => before.emit('fact', each, { lane: 'bulk' })));
    await before.close();

    const agent = await Agent.open({ ...options, gateway: address, brokerProfile: name });
    t.teardown(() => agent.close());
    // One by one, so that each would be a message of its own.
    for (let alarm = 0; alarm < 150; alarm += 1) await agent.emit('alarm', alarm);
    await agent.synced(patience);
    // More at once than any of them takes.
    let receipts = 0;
    const obeyed = until(
      () => receipts >= COMMANDS,
      (check) =>
        gateway.onEntries(({ lane, fresh }) => {
          if (lane === 'urgent') receipts += fresh;
          check();
        }),
    );
    for (let number = 0; number < COMMANDS; number += 1) {
      const content = { kind: 'config.set', name: 'n', run: '', expiresAtMs: 0 } as const;
      const payload = encodeValue(noise.bytes(20_000), 'payload');
      const of = { id: `c-${number}`, ...content, payload, issuedAtMs: 1, by: 'ola', to: device };
      await gateway.ledger.issue({ dispatch: of, devices: [device], isLast: true });
      gateway.issued(device);
    }
    await obeyed;

    t.deepEqual(broker.violations, []);
    t.true(broker.repeated > 0 && broker.reordered > 0);
    const query = { device, after: 0, limit: 1_000 };
    t.is((await gateway.ledger.entries({ ...query, lane: 'bulk' })).length, 500);
    const { link, backlog } = await agent.status();
    t.is(link.problem, null);
    const known = openBrokerMemory(options.dataDir, `${address} ${name}`);
    t.true((backlog.usualPerS ?? 0) > 0, 'what was pending was a backlog');
    t.is(known.entriesPerS(), backlog.usualPerS ?? undefined, 'and how it drained is kept');
    t.true(link.resends < broker.reordered / 4, `${link.resends} batches were sent again`);
  });
}

test('a broker that takes less than its profile says is found out, without a loop', async (t) => {
  const small = { ...brokerProfile('generic'), messageBytesMax: 12 * 1024 };
  const broker = await startHarshBroker(t, small);
  const address = `mqtt://127.0.0.1:${broker.port}`;
  const gateway = await Gateway.open({ dataDir: await tempDir(t), broker: address });
  t.teardown(() => gateway.close());
  const options = { dataDir: await tempDir(t), device: 'till-1', workflows: [], gateway: address };
  const uplink = { retryMsMin: 50, retryMsMax: 200, stableMs: 1_000 };
  const first = await Agent.open({ ...options, uplink });
  t.teardown(() => first.close());
  const noise = new SimChance(2);
  const emit = (agent: Agent, bytes: number) =>
    agent.emit('fact', noise.bytes(bytes), { lane: 'bulk' });
  await Promise.all(Array.from({ length: 200 }, () => emit(first, 400)));
  // Too large, and journaled before anybody knows.
  await emit(first, 30_000);
  await emit(first, 400);
  await first.synced(patience);
  const hangUps = broker.violations.length;
  t.true(hangUps > 0 && hangUps <= 12, broker.violations.join('\n'));
  const { backlog, problems } = await first.status();
  t.like(backlog.setAside, [{ lane: 'bulk', seq: 201 }]);
  t.true(problems.some(({ code }) => code === 'HF_ENTRY_UNSENDABLE'));
  const place = { device: 'till-1', lane: 'bulk', after: 0, limit: 1_000 } as const;
  t.like(await gateway.ledger.holes(place), [{ seqFirst: 201, seqLast: 201, reason: 'oversize' }]);
  await first.close();

  t.is(broker.keepalivesS.get('hf-till-1'), 30);
  const metered = { budget: { bytes: 1e9, per: 'day' } } as const;
  const second = await Agent.open({ ...options, uplink, metered });
  t.teardown(() => second.close());
  await emit(second, 30_000);
  await second.synced(patience);
  t.is(broker.violations.length, hangUps, 'it is known, and the value is in parts');
  t.is(broker.keepalivesS.get('hf-till-1'), 240, 'a link that costs is asked seldom');
  const status = await second.status();
  t.is(status.backlog.setAside.length, 1);
  const unknown = { stuck: [], storeKey: undefined, nowMs: Date.now() };
  const patient = { ...unknown, status, dataDir: options.dataDir, uplink: { url: address } };
  const told = (await examine(patient)).filter(({ check }) => check === 'broker');
  t.like(told, [{ level: 'failure', code: 'HF_ENTRY_UNSENDABLE' }, { level: 'warning' }]);
  t.regex(told[1]?.text ?? '', /^it hung up at a message of \d/);
});

for (const inflightMax of [1, 10, 16]) {
  test(`S38 a broker of MQTT 5 that says it takes ${inflightMax} is kept to`, async (t) => {
    const profile = { ...brokerProfile('hivemq'), inflightMax };
    const broker = await startHarshBroker(t, profile, '5');
    const address = `mqtt://127.0.0.1:${broker.port}`;
    // Their own profile would let them send a hundred.
    const way = { brokerProfile: 'aws', mqttVersion: '5' } as const;
    const gateway = await Gateway.open({ dataDir: await tempDir(t), broker: address, ...way });
    t.teardown(() => gateway.close());
    const options = { dataDir: await tempDir(t), device: 'till-5', workflows: [] };
    const agent = await Agent.open({ ...options, gateway: address, ...way });
    t.teardown(() => agent.close());
    const noise = new SimChance(3);
    const facts = Array.from({ length: 100 }, () => noise.bytes(3_000));
    await Promise.all(facts.map((each) => agent.emit('fact', each, { lane: 'bulk' })));
    await agent.synced(patience);

    t.deepEqual(broker.violations, []);
    const query = { device: 'till-5', after: 0, limit: 1_000, lane: 'bulk' } as const;
    t.is((await gateway.ledger.entries(query)).length, 100);
  });
}
