import test, { type ExecutionContext } from 'ava';
import { open, seal, type Message, type Signer } from '@holdfast/protocol';
import { NaiveGateway } from '../../support/naive-gateway.ts';
import { simSigner } from '../../support/sim-radio.ts';
import { World, device } from '../../support/uplink-world.ts';

const gateway = simSigner('gateway');
const stranger = simSigner('stranger');
const kinds = ['welcome', 'ack', 'commands', 'refusal'] as const;
type Kind = (typeof kinds)[number];

/** A session in which each kind of message has come once; more waits to be acknowledged. */
async function inSession(t: ExecutionContext) {
  const world = new World({ welcome: { reportEveryMs: 3_600_000 } });
  t.teardown(() => world.uplink.close());
  const heard = new Map<Kind, Message>();
  const sealed = world.gateway.seal.bind(world.gateway);
  world.gateway.seal = (message) => {
    heard.set(message.kind as Kind, message);
    return sealed(message);
  };
  world.append('normal', 3);
  world.uplink.start();
  await world.untilSynced();
  world.radio.toDevice(world.gateway.issue());
  await world.untilSynced();
  const refusal = { code: 'HF_VERSION_UNSUPPORTED', why: '', retryAfterMs: 0 } as const;
  heard.set('refusal', { kind: 'refusal', ...refusal, of: new Uint8Array() });
  // From here on nothing is answered: what is acknowledged now, somebody has made up.
  world.gateway.answer = () => [];
  world.append('normal', 4);
  await world.clock.advance(100);
  const messageOf = (kind: Kind): Message => heard.get(kind) ?? t.fail(`no ${kind}`);
  return { world, messageOf };
}

/** What a device believes and has done: no forged message may change any of it. */
function stand({ journal, runtime, uplink, outlived, pinned }: World) {
  const { state, problem } = uplink.state();
  const acked = journal.positions().map((lane) => lane.acked);
  return { acked, applied: [...runtime.applied], state, problem, outlived: [...outlived], pinned };
}

/** The same message, saying what would do harm. */
function harmful(message: Message): Message {
  const hash = new Uint8Array(32).fill(9);
  switch (message.kind) {
    case 'ack':
      return { ...message, watermark: 7, hash };
    case 'commands':
      return { ...message, commands: message.commands.map((each) => ({ ...each, number: 2 })) };
    case 'welcome': {
      const [urgent, normal, bulk] = message.lanes;
      return { ...message, lanes: [urgent, { ...normal, verdict: 'forked' }, bulk] };
    }
    case 'refusal':
      return { ...message, code: 'HF_IDENTITY_CONFLICT' };
    default:
      return message;
  }
}

type Forge = (message: Message) => Uint8Array;
const by =
  (signer: Signer, name = device): Forge =>
  (message) =>
    seal(name, harmful(message), signer);
const noSignature = new Uint8Array(32);

const forgeries: Readonly<Record<string, Forge>> = {
  'by the key of a stranger': by(stranger),
  'by a stranger under the name of the key of the gateway': by({
    ...stranger,
    publicKey: gateway.publicKey,
  }),
  'by the key of the device itself': by(simSigner(device)),
  'meant for another device': by(gateway, 'truck-8'),
  'changed on its way': (message) => {
    // The body of one, and the signature of another.
    const genuine = seal(device, message, gateway);
    const changed = seal(device, harmful(message), { ...gateway, sign: () => noSignature });
    return Uint8Array.from([...changed.subarray(0, -32), ...genuine.subarray(-32)]);
  },
  'without a signature': by({ ...gateway, sign: () => new Uint8Array() }),
};

for (const [how, forge] of Object.entries(forgeries)) {
  test(`what comes down ${how} is refused, and counted`, async (t) => {
    const { world, messageOf } = await inSession(t);
    for (const kind of kinds) {
      const before = stand(world);
      const { rejected } = world.uplink.state();
      world.radio.toDevice(forge(messageOf(kind)));
      await world.clock.advance(50);
      t.deepEqual(stand(world), before, kind);
      t.is(world.uplink.state().rejected, rejected + 1, kind);
    }
  });
}

test('a welcome of another gateway is not believed, whichever session it names', async (t) => {
  const world = new World();
  t.teardown(() => world.uplink.close());
  world.uplink.start();
  await world.untilSynced();
  await world.until('pinned', () => world.pinned !== undefined);
  const other = new NaiveGateway({ device, signer: stranger });
  world.gateway.receive = (bytes) => other.receive(bytes);
  world.append('normal', 3);
  world.radio.cut();
  await world.until('told', () => world.uplink.state().problem?.code === 'HF_SIGNATURE_INVALID');

  t.deepEqual(other.batches, [], 'nothing is sent to it');
  t.deepEqual(world.pinned, gateway.publicKey);
  t.true(world.uplink.state().rejected > 0);
});

test('what was genuine once changes nothing when it comes again, and is counted', async (t) => {
  const { world, messageOf } = await inSession(t);
  const replayed = (kind: Kind): Uint8Array => seal(device, messageOf(kind), gateway);
  for (const kind of ['ack', 'commands', 'welcome'] as const) {
    const before = stand(world);
    const { stale } = world.uplink.state();
    world.radio.toDevice(replayed(kind));
    await world.clock.advance(50);
    t.deepEqual(stand(world), before, kind);
    t.is(world.uplink.state().stale, stale + 1, kind);
  }

  // And in the next session, while its own welcome is awaited.
  world.radio.cut();
  await world.until('greeting', () => world.radio.dials === 2, 60_000);
  await world.clock.advance(100);
  const before = stand(world);
  const { stale } = world.uplink.state();
  for (const kind of ['welcome', 'ack', 'commands'] as const) world.radio.toDevice(replayed(kind));
  await world.clock.advance(50);
  t.deepEqual(stand(world), before);
  t.is(world.uplink.state().stale, stale + 3);
  t.is(world.uplink.state().rejected, 0, 'they are genuine');
});

test('what comes down in another order is taken in its own, once', async (t) => {
  const world = new World();
  t.teardown(() => world.uplink.close());
  world.uplink.start();
  await world.untilSynced();
  const issued = Array.from({ length: 5 }, () => world.gateway.issue());
  for (const index of [4, 2, 0, 3, 1, 0, 4]) {
    const bytes = issued[index];
    if (bytes !== undefined) world.radio.toDevice(bytes);
  }
  await world.until('all', () => world.runtime.applied.length === 5);

  t.deepEqual(
    world.runtime.applied.map(({ number }) => number),
    [1, 2, 3, 4, 5],
  );
  t.is(open(device, issued[0] ?? new Uint8Array()).message.kind, 'commands');
});
