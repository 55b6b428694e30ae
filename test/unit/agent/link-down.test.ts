import test from 'ava';
import { ErrorWithReasonCode, isPassing, linkDownOf } from '@holdfast/agent/internal';
import { World } from '../../support/uplink-world.ts';

const broker = 'broker.example:8883';
const told = (code: number) => new ErrorWithReasonCode('the library says', code);

/** MQTT 3.1.1, table 3.1, and MQTT 5, table 3-1, as far as a client can meet them. */
const refusals: Readonly<Record<number, RegExp>> = {
  ...{ 1: /version of MQTT/, 2: /client id/, 3: /not available/, 4: /password/ },
  ...{ 5: /not authorized/ },
  ...{ 132: /version of MQTT/, 133: /client id/, 134: /password/, 135: /not authorized/ },
  ...{ 136: /not available/, 137: /busy/, 138: /banned/, 151: /quota/, 156: /another server/ },
  ...{ 157: /moved/, 159: /too many connections/, 200: /return code 200/ },
};

test('each reason to refuse a connection is named', (t) => {
  for (const [code, words] of Object.entries(refusals)) {
    const end = { broker, isTls: true, stage: 'connecting', error: told(Number(code)) } as const;
    const { code: ours, message } = linkDownOf(end);
    t.is(ours, 'HF_BROKER_REFUSED', code);
    t.regex(message, words);
  }
});

const ends: Readonly<Record<number, readonly [code: string, words: RegExp]>> = {
  135: ['HF_BROKER_REFUSED', /publish/],
  139: ['HF_LINK_LOST', /shutting down/],
  142: ['HF_LINK_LOST', /taken over/],
  144: ['HF_BROKER_REFUSED', /topics/],
  147: ['HF_LINK_LOST', /more was on its way/],
  149: ['HF_LINK_LOST', /larger/],
  150: ['HF_LINK_LOST', /faster/],
  151: ['HF_LINK_LOST', /quota/],
  200: ['HF_LINK_LOST', /reason 200/],
};

test('each reason to end a connection is named, and only what stays so refuses', (t) => {
  for (const [reason, [code, words]] of Object.entries(ends)) {
    const error = told(Number(reason));
    const end = { broker, isTls: true, stage: 'up', error } as const;
    t.is(linkDownOf(end).code, code, reason);
    t.regex(linkDownOf(end).message, words);
    t.is(isPassing(error), code === 'HF_LINK_LOST', reason);
  }
});

test('a link that is up for 5 s and down for 5 s is used while it is up', async (t) => {
  const world = new World();
  world.radio.bytesPerMs = 20;
  world.append('normal', 2_500, 200);
  world.uplink.start();
  const seen: number[] = [];
  for (let round = 0; round < 8; round += 1) {
    await world.clock.advance(5_000);
    seen.push(world.journal.lane('normal').acked);
    world.radio.isOut = true;
    world.radio.cut();
    await world.clock.advance(5_000);
    world.radio.isOut = false;
  }
  t.true(new Set(seen).size > seen.length / 2, seen.join());
  t.deepEqual(
    seen,
    seen.toSorted((a, b) => a - b),
  );
  await world.untilSynced();
  world.check(t);
  t.true(world.uplink.state().resends <= 8 * 8, 'no more than was on its way at each cut');
  await world.uplink.close();
});
