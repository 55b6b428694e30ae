import { spawnSync } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import test, { type ExecutionContext } from 'ava';
import { connectAsync } from 'mqtt';
import { leaveHomeAssistant, showInHomeAssistant } from '@holdfast/agent/internal';
import { until } from '@holdfast/device-sim';
import { startMosquitto, type TestBroker } from '../support/brokers.ts';
import { holdfast, startHoldfast } from '../support/holdfast-cli.ts';
import { hasProgram } from '../support/program.ts';
import { ScriptedSurface } from '../support/scripted-surface.ts';
import { tempDir } from '../support/temp-dir.ts';

const code = fileURLToPath(new URL('../support/lives-flows.js', import.meta.url));
const runs = hasProgram('mosquitto') ? test : test.skip;
const log = { error: () => undefined, info: () => undefined, debug: () => undefined };
const topics = 'holdfast/home-assistant/till-1';

type Kept = ReadonlyMap<string, string>;

/** What a broker keeps, as who comes now is told of it. */
async function keptBy({ url }: TestBroker, password = 'open sesame'): Promise<Kept> {
  const client = await connectAsync(url, { username: 'ha', password, protocolVersion: 4 });
  const kept = new Map<string, string>();
  const isAll = new Promise<void>((resolve) => {
    client.on('message', (topic, payload, { retain }) => {
      if (topic === 'that/is/all') resolve();
      else if (retain) kept.set(topic, payload.toString());
    });
  });
  await client.subscribeAsync('#', { qos: 1 });
  await client.publishAsync('that/is/all', '', { qos: 1 });
  await isAll;
  await client.endAsync(true);
  return kept;
}

/** Resolves with what is kept once that is right. */
async function once(broker: TestBroker, isRight: (kept: Kept) => boolean): Promise<Kept> {
  let kept: Kept = new Map();
  await until('the broker keeps what it should', async () => {
    kept = await keptBy(broker);
    return isRight(kept);
  });
  return kept;
}

/** A broker that lets in one user, by a password. */
async function startHouse(t: ExecutionContext): Promise<TestBroker> {
  const users = join(await tempDir(t), 'users');
  const { status } = spawnSync('mosquitto_passwd', ['-c', '-b', users, 'ha', 'open sesame']);
  t.is(status, 0);
  return startMosquitto(t, ['allow_anonymous false', `password_file ${users}`]);
}

runs(
  'Home Assistant discovers a device, is told when it goes away, and forgets it (needs mosquitto)',
  async (t) => {
    t.timeout(120_000);
    const house = await startHouse(t);
    const dir = await tempDir(t);
    const secret = join(dir, 'secret');
    await writeFile(secret, 'open sesame\n');
    const args = ['run', '--data-dir', join(dir, 'data'), '--device', 'till-1', '--code', code];
    const url = house.url.replace('//', '//ha@');
    const shown = ['--home-assistant', url, '--home-assistant-password-file', secret];
    const agent = startHoldfast(t, [...args, ...shown]);

    const kept = await once(house, (each) => each.get(`${topics}/availability`) === 'online');
    const state = JSON.parse(kept.get(`${topics}/state`) ?? '');
    t.like(state, { connected: false, backlog: 0, acknowledgedAt: null, stuck: 0 });
    const configs = [...kept].filter(([topic]) => topic.startsWith('homeassistant/'));
    const ids = new Set<string>();
    for (const [, payload] of configs) {
      const config = JSON.parse(payload);
      ids.add(config.unique_id);
      t.is(config.state_topic, `${topics}/state`);
      t.is(config.availability_topic, `${topics}/availability`);
      t.like(config.device, { name: 'till-1', identifiers: ['holdfast-till-1'] });
      const [, field = ''] = /value_json\.(\w+)/.exec(config.value_template) ?? [];
      t.true(field in state, field);
    }
    const names = ['link', 'backlog', 'acknowledged', 'stuck', 'problem'];
    t.deepEqual([...ids].toSorted(), names.map((id) => `holdfast-till-1-${id}`).toSorted());

    await agent.end('SIGKILL');
    await once(house, (each) => each.get(`${topics}/availability`) === 'offline');

    const without = startHoldfast(t, args);
    await once(house, (each) => each.size === 0);
    t.is(await without.end('SIGTERM'), 0);
  },
);

runs(
  'a broker that has lost all, and a Home Assistant that begins, are told again (needs mosquitto)',
  async (t) => {
    const house = await startHouse(t);
    const surface = new ScriptedSurface();
    const url = house.url.replace('//', '//ha@');
    const login = { url, password: 'open sesame', device: 'till-1', log, retryMs: 50 };
    const end = await showInHomeAssistant({ ...login, surface, everyMs: 50 });
    t.teardown(end);
    const all = await once(house, (kept) => kept.size === 7);

    await house.kill();
    await house.start();
    t.deepEqual(await once(house, (kept) => kept.size === 7), all);

    const begun = await connectAsync(url, { password: 'open sesame' });
    t.teardown(() => begun.endAsync(true));
    let told = 0;
    begun.on('message', (topic) => {
      if (topic.endsWith('/config')) told += 1;
    });
    await begun.subscribeAsync('homeassistant/+/+/+/config', { qos: 1 });
    await until('what is kept is there', () => Promise.resolve(told === 5));
    await begun.publishAsync('homeassistant/status', 'online', { qos: 1 });
    await until('it is told again', () => Promise.resolve(told === 10));

    await end();
    t.is((await keptBy(house)).get(`${topics}/availability`), 'offline');
    const leaving = leaveHomeAssistant(login);
    t.teardown(() => leaving.close());
    await leaving.done;
    t.is((await keptBy(house)).size, 0);
  },
);

test('an address that Home Assistant cannot have is told before anything begins', async (t) => {
  const dir = await tempDir(t);
  const args = ['run', '--data-dir', join(dir, 'data'), '--device', 'till-1', '--code', code];

  for (const url of ['http://ha.local', 'mqtt://ha:secret@ha.local', 'house']) {
    const { code: exit, stderr } = await holdfast([...args, '--home-assistant', url]);

    t.is(exit, 78, url);
    t.regex(stderr, /HF_CONFIG_INVALID[^]*--home-assistant /, url);
    t.notRegex(stderr, /secret/, url);
  }
});
