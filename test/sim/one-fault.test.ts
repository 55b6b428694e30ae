import test, { type ExecutionContext } from 'ava';
import { open, type Batch, type Message } from '@holdfast/protocol';
import { SessionWorld } from '../support/session-world.ts';
import type { Fate } from '../support/sim-radio.ts';

const passes: Fate = { copies: 1, lateMs: 0 };
const isLost: Fate = { copies: 0, lateMs: 0 };

interface Fault {
  /** Decides for what is sent from the moment on at which the fault begins. */
  readonly fate: (message: Message, sinceMs: number) => Fate;
  /** Batches that are sent again although they were not lost. */
  readonly again: number;
  /** Does it to the rest of the world. */
  readonly strike?: (world: SessionWorld) => Promise<void>;
}

const nth = (kind: Message['kind'], which: readonly number[], fate: Fate): Fault['fate'] => {
  let seen = 0;
  return (message) => {
    if (message.kind !== kind) return passes;
    seen += 1;
    return which.includes(seen) ? fate : passes;
  };
};
const ups = new Set<Message['kind']>(['hello', 'batch', 'hole', 'report']);
const during = (ms: number, isHit: (message: Message) => boolean): Fault['fate'] => {
  return (message, sinceMs) => (sinceMs < ms && isHit(message) ? isLost : passes);
};
const all = () => passes;

const faults: Readonly<Record<string, Fault>> = {
  'a batch is lost': { fate: nth('batch', [1], isLost), again: 0 },
  'three of a window are lost': { fate: nth('batch', [2, 4, 5], isLost), again: 0 },
  'what is sent again is lost, too': {
    // The first, and the one that is sent in its place.
    fate: (() => {
      let first = 0;
      let times = 0;
      return (message: Message) => {
        if (message.kind !== 'batch') return passes;
        first ||= message.seqFirst;
        times += message.seqFirst === first ? 1 : 0;
        return message.seqFirst === first && times <= 2 ? isLost : passes;
      };
    })(),
    again: 0,
  },
  'an ack is lost': { fate: nth('ack', [1], isLost), again: 0 },
  'a batch comes twice': { fate: nth('batch', [2], { copies: 2, lateMs: 0 }), again: 0 },
  'a batch is overtaken': { fate: nth('batch', [1, 4], { copies: 1, lateMs: 80 }), again: 0 },
  'a batch is overtaken by far': {
    fate: nth('batch', [1], { copies: 1, lateMs: 3_000 }),
    again: 1,
  },
  'everything is held for a while': {
    fate: (_message, sinceMs) => ({ copies: 1, lateMs: Math.max(0, 7_000 - sinceMs) }),
    again: 1,
  },
  'nothing comes down for a moment': {
    fate: during(4_500, ({ kind }) => !ups.has(kind)),
    again: 1,
  },
  // At 10 s another gateway may have to be asked: the one that has it may hang.
  'nothing comes down for long': { fate: during(8_000, ({ kind }) => !ups.has(kind)), again: 2 },
  'nothing goes up for a while': { fate: during(8_000, ({ kind }) => ups.has(kind)), again: 1 },
  'nothing goes either way until the connection is given up': {
    fate: during(18_000, () => true),
    again: 1,
  },
  // What is on its way then arrives, while the device is told what the ledger had before.
  'the connection is cut': {
    fate: all,
    again: 3,
    strike: async ({ radio }) => radio.cut(),
  },
  'the gateway is killed': {
    fate: all,
    again: 1,
    strike: async ({ cloud, clock }) => {
      cloud.crash();
      await clock.advance(300);
      await cloud.start();
    },
  },
};

/** Entries of batches that were handed over. */
class Traffic {
  lost = 0;
  again = 0;
  /** Of the largest batch. */
  most = 0;
  #through = 0;

  add({ seqFirst, count }: Batch, isGone: boolean): void {
    const seqLast = seqFirst + count - 1;
    this.again += Math.max(0, Math.min(this.#through, seqLast) - seqFirst + 1);
    this.#through = Math.max(this.#through, seqLast);
    this.most = Math.max(this.most, count);
    if (isGone) this.lost += count;
  }
}

/** A backlog that takes 10 s on this link: its window is full when the fault strikes. */
async function drain(t: ExecutionContext, { fate, again, strike }: Fault): Promise<void> {
  const world = new SessionWorld(1);
  t.teardown(() => world.close());
  await world.cloud.start();
  world.radio.bytesPerMs = 20;
  world.append('bulk', 800, 250);
  const traffic = new Traffic();
  let sinceMs = Number.POSITIVE_INFINITY;
  let copies = 0;
  world.radio.fate = (way, bytes) => {
    const { message } = open('truck-7', bytes);
    const nowMs = world.clock.monoMs();
    const found = nowMs < sinceMs ? passes : fate(message, nowMs - sinceMs);
    copies += Math.max(0, found.copies - 1);
    if (way === 'up' && message.kind === 'batch') traffic.add(message, found.copies === 0);
    return found;
  };
  while (world.journal.lane('bulk').acked < 200) await world.clock.advance(20);
  sinceMs = world.clock.monoMs();
  await strike?.(world);
  await world.untilSynced();

  await world.check();
  t.is((await world.held('bulk')).length, 800);
  const { lost, most } = traffic;
  t.log(`${lost} lost, ${traffic.again} sent again, ${most} in the largest batch`);
  // Nobody sees what a process that was killed had been given.
  if (strike === undefined) t.true(traffic.again <= lost + again * most, 'sent again');
  t.true(doubled(world) <= again + copies, 'had arrived before');
}

function doubled({ cloud }: SessionWorld): number {
  return cloud.outcomes.filter((each) => each.kind === 'committed' && each.fresh === 0).length;
}

const batches = ['', ', and one batch', ', and two batches', ', and three batches'] as const;

for (const [what, fault] of Object.entries(faults)) {
  test(`${what}: sent again is what was lost${batches[fault.again]}`, (t) => drain(t, fault));
}
