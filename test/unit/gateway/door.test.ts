import test from 'ava';
import {
  BrokerRefusals,
  Door,
  MqttHook,
  type Admit,
  type Presented,
} from '@holdfast/gateway/internal';

const log = { error: () => {}, info: () => {}, debug: () => {} };
const certificate = { name: 'pump-1', publicKey: Uint8Array.of(1), problem: undefined };

/** Lets in whoever says `right`, or has a certificate. */
const admit: Admit = ({ device, password, certificate: shown }) => {
  if (password === 'down') return Promise.reject(new TypeError('no ledger'));
  if (password === 'right' || shown !== undefined) return Promise.resolve(undefined);
  return Promise.resolve({ reason: 'credentials', why: `${device} has no proof` });
};

function newDoor() {
  const clock = { at: 0, nowMs: () => clock.at };
  const refusals = new BrokerRefusals();
  const door = new Door({ admit, refusals, clock, log });
  const knock = async (who: Partial<Presented>, from = '192.0.2.1') =>
    (await door.turns({ device: 'pump-1', password: 'wrong', ...who }, from))?.reason;
  return { clock, refusals, door, knock, hook: new MqttHook(door, refusals) };
}

test('who guesses is not looked at any more for a while, and nobody else is held up', async (t) => {
  const { clock, refusals, knock } = newDoor();
  for (let tries = 0; tries < 20; tries += 1) t.is(await knock({}), 'credentials');

  t.is(await knock({ password: 'right' }), 'limit');
  t.is(await knock({ certificate }), undefined, 'TLS has seen its key');
  t.is(await knock({ password: 'right', device: 'pump-2' }), undefined, 'a neighbour');
  t.is(await knock({ password: 'right' }, '192.0.2.2'), undefined, 'from elsewhere');
  clock.at = 60_000;
  t.is(await knock({ password: 'right' }), undefined);
  t.deepEqual(['credentials', 'limit'].map((reason) => refusals.count(reason as 'limit')), [20, 1]);
});

test('a proof that counts ends the count of those that did not', async (t) => {
  const { knock } = newDoor();
  for (let tries = 0; tries < 60; tries += 1) {
    t.is(await knock(tries % 15 === 14 ? { password: 'right' } : {}) === 'limit', false);
  }
});

test('nobody is let in while nothing is known of devices', async (t) => {
  const { refusals, knock } = newDoor();
  t.is(await knock({ password: 'down' }), 'unavailable');
  t.is(refusals.count('unavailable'), 1);
});

test('a broker that asks is told of a device, and of others to decide by itself', async (t) => {
  const { hook, refusals } = newDoor();
  const client = { clientid: 'hf-pump-1', username: 'pump-1', peerhost: '192.0.2.1' };
  const ask = (change: object) => hook.admission({ ...client, password: 'right', ...change });

  t.like(await ask({}), { result: 'allow', is_superuser: false });
  t.deepEqual(
    (await ask({})).acl.map(({ permission, action, topic }) => [permission, action, topic]),
    [
      ['allow', 'publish', 'eq holdfast/1/pump-1/up'],
      ['allow', 'publish', 'eq holdfast/1/pump-1/state'],
      ['allow', 'subscribe', 'eq holdfast/1/pump-1/down'],
      ['deny', 'all', '#'],
    ],
  );
  t.like(await ask({ password: 'wrong' }), { result: 'deny', acl: [] });
  t.is(refusals.count('credentials'), 1);
  for (const other of [
    ...[{ clientid: 'hf-gateway-0123', username: 'gateway' }, { clientid: 'pump-1' }],
    ...[{ username: 'pump-2' }, { clientid: 'hf-#', username: '#' }],
  ]) {
    t.like(await ask(other), { result: 'ignore', acl: [] }, JSON.stringify(other));
  }
});

test('a broker that asks lets a device do what the embedded one would', (t) => {
  const { hook, refusals } = newDoor();
  const may = (action: 'publish' | 'subscribe', topic: string, qos: unknown = 1) => {
    const client = { clientid: 'hf-pump-1', username: 'pump-1' };
    return hook.action({ ...client, action, topic, qos }).result;
  };

  t.is(may('publish', 'holdfast/1/pump-1/up'), 'allow');
  t.is(may('publish', 'holdfast/1/pump-1/state', '1'), 'allow');
  t.is(may('subscribe', 'holdfast/1/pump-1/down'), 'allow');
  t.is(may('publish', 'holdfast/1/pump-1/up', 0), 'deny');
  t.is(may('publish', 'holdfast/1/pump-1/up', 'often'), 'deny');
  for (const topic of ['holdfast/1/pump-1/down', 'holdfast/1/pump-2/up', 'up', '']) {
    t.is(may('publish', topic), 'deny', topic);
  }
  for (const topic of ['#', 'holdfast/1/+/down', 'holdfast/1/pump-2/down', '$share/g/#']) {
    t.is(may('subscribe', topic), 'deny', topic);
  }
  t.is(refusals.count('publish'), 6);
  t.is(refusals.count('subscribe'), 4);
  const gateway = { clientid: 'hf-gateway-1', username: 'gateway', topic: '#', qos: 1 };
  t.is(hook.action({ ...gateway, action: 'subscribe' }).result, 'ignore');
});
