import test, { type ExecutionContext } from 'ava';
import { decodeValue, encodeValue, type Command } from '@holdfast/protocol';
import { emptyOutbox, handedOver, pump, refused, taken } from '@holdfast/gateway/internal';
import { SessionWorld } from '../../support/session-world.ts';

const MINUTE = 60_000;

/** Commands that a device of this shape cannot read, unless something goes in their place. */
const has =
  (...numbers: readonly number[]) =>
  (commands: readonly Command[]): boolean =>
    commands.some(({ number, kind }) => numbers.includes(number) && kind !== 'void');

async function greeted(t: ExecutionContext): Promise<SessionWorld> {
  const world = new SessionWorld(1);
  t.teardown(() => world.close());
  await world.cloud.start();
  world.append('normal', 1, 10);
  await world.untilSynced();
  return world;
}

async function outcomes(world: SessionWorld): Promise<readonly string[]> {
  const found = world.issued.map(async (id) => {
    const page = await world.cloud.ledger?.dispatched({ id, limit: 10 });
    return page?.commands[0]?.outcome ?? 'none';
  });
  return Promise.all(found);
}

test('what a device cannot read is sent three times, then it is rejected', async (t) => {
  const world = await greeted(t);
  world.isStrange = has(2, 3, 9);
  await world.command(12);
  await world.untilSynced();

  await world.check();
  const kinds = world.runtime.applied.map(({ kind }) => kind);
  t.deepEqual(
    kinds.map((kind, index) => (kind === 'void' ? index + 1 : 0)).filter(Boolean),
    [2, 3, 9],
  );
  t.true(world.strange <= 3 * 3, `${world.strange} messages that it could not read`);
  t.is(world.radio.dials, 1, 'on one connection');
  const came = await outcomes(world);
  t.deepEqual(came.map((each, index) => (each === 'rejected' ? index + 1 : 0)).filter(Boolean), [
    2, 3, 9,
  ]);

  const before = world.strange;
  await world.clock.advance(10 * MINUTE);
  t.is(world.strange, before, 'and never again');
});

test('what was damaged on its way once is obeyed', async (t) => {
  const world = await greeted(t);
  world.isStrange = () => world.strange === 0;
  await world.command(5);
  await world.untilSynced();

  await world.check();
  t.true(world.runtime.applied.every(({ kind }) => kind === 'run.signal'));
});

test('a call whose outcome cannot be read fails', (t) => {
  const of = { expiresAtMs: 0, run: 'r1', op: 7, key: 'r1/7', name: '' } as const;
  const command = { number: 1, kind: 'call.completed', ...of, payload: encodeValue('x') } as const;
  let outbox = emptyOutbox(0);
  const sent: Command[] = [];
  for (const tail of ['aa', 'bb', 'cc']) {
    ({ outbox } = pump(outbox));
    const found = taken(outbox, { after: 0, commands: [command], nowMs: 1 });
    sent.push(...found.commands);
    outbox = handedOver(found.outbox, { ...found, tail });
    const named = refused(outbox, { tail, why: 'a shape of the future' });
    t.is(named?.what, 'command 1');
    outbox = named?.outbox ?? outbox;
  }

  t.deepEqual(sent.slice(0, 2), [command, command]);
  t.like(sent[2], { number: 1, kind: 'call.failed', run: 'r1', op: 7, key: 'r1/7' });
  const error = decodeValue(sent[2]?.payload ?? new Uint8Array());
  t.like(error, { code: 'HF_MESSAGE_INVALID' });
  t.regex(String(error), /a shape of the future/);
  t.is(refused(outbox, { tail: 'aa', why: 'again' }), undefined, 'brokers repeat');
  t.is(refused(outbox, { tail: '', why: 'nothing' }), undefined);
});

test('a device that reads no commands at all is sent a few, until it greets again', async (t) => {
  const world = await greeted(t);
  world.isStrange = () => true;
  await world.command(3);
  await world.clock.advance(60 * MINUTE);
  t.true(world.strange <= 6, `${world.strange} messages in an hour`);
  world.append('normal', 100, 100);
  await world.clock.advance(MINUTE);
  t.true(world.journal.isSynced, 'and its entries go up meanwhile');

  world.isStrange = () => false;
  await world.restartAgent();
  await world.untilSynced();

  await world.check();
  t.deepEqual(await outcomes(world), ['rejected', 'applied', 'applied']);
});
