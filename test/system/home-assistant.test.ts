import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Aedes } from 'aedes';
import test, { type ExecutionContext } from 'ava';
import { holdfast, startHoldfast } from '../support/holdfast-cli.ts';
import { tempDir } from '../support/temp-dir.ts';

const code = fileURLToPath(new URL('../support/lives-flows.js', import.meta.url));

/** The broker of a Home Assistant: what it keeps, by topic, and a wait for what is to come. */
class HouseBroker {
  readonly kept = new Map<string, string>();
  #onChange: () => void = () => {};

  static async start(t: ExecutionContext): Promise<{ house: HouseBroker; url: string }> {
    const house = new HouseBroker();
    const broker = await Aedes.createBroker({
      authenticate: (_client, user, password, done) => {
        done(null, user === 'ha' && password?.toString() === 'open sesame');
      },
      authorizePublish: (_client, packet, done) => {
        if (packet.retain) house.#keep(packet.topic, packet.payload.toString());
        done(null);
      },
    });
    const server = createServer(broker.handle).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.teardown(async () => {
      await new Promise<void>((done) => {
        broker.close(() => done());
      });
      server.close();
    });
    return { house, url: `mqtt://ha@127.0.0.1:${(server.address() as AddressInfo).port}` };
  }

  #keep(topic: string, payload: string): void {
    this.kept.set(topic, payload);
    this.#onChange();
  }

  /** Resolves once what is kept of a topic fits. */
  async until(topic: string, fits: (payload: string) => boolean): Promise<string> {
    for (;;) {
      const payload = this.kept.get(topic);
      if (payload !== undefined && fits(payload)) return payload;
      await new Promise<void>((done) => {
        this.#onChange = done;
      });
    }
  }
}

test('Home Assistant discovers a device, and is told when it goes away', async (t) => {
  t.timeout(120_000);
  const { house, url } = await HouseBroker.start(t);
  const dir = await tempDir(t);
  const secret = join(dir, 'secret');
  await writeFile(secret, 'open sesame\n');
  const args = ['run', '--data-dir', join(dir, 'data'), '--device', 'till-1', '--code', code];
  const shown = ['--home-assistant', url, '--home-assistant-password-file', secret];
  const topics = 'holdfast/home-assistant/till-1';
  const agent = startHoldfast(t, [...args, ...shown]);
  await agent.nextLine();

  await house.until(`${topics}/availability`, (payload) => payload === 'online');
  const state = JSON.parse(await house.until(`${topics}/state`, () => true));
  t.like(state, { connected: false, backlog: 0, acknowledgedAt: null, stuck: 0 });
  const configs = [...house.kept].filter(([topic]) => topic.startsWith('homeassistant/'));
  t.is(configs.length, 5);
  for (const [, payload] of configs) {
    const config = JSON.parse(payload);
    t.is(config.state_topic, `${topics}/state`);
    t.is(config.availability_topic, `${topics}/availability`);
    t.regex(config.unique_id, /^holdfast-till-1-/);
    t.like(config.device, { name: 'till-1' });
    const [, field = ''] = /value_json\.(\w+)/.exec(config.value_template) ?? [];
    t.true(field in state, field);
  }

  await agent.end('SIGKILL');
  await house.until(`${topics}/availability`, (payload) => payload === 'offline');
});

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
