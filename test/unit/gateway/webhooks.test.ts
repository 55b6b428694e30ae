import {
  Webhooks,
  createFleet,
  sha256,
  type CloudEvent,
  type Fleet,
  type Ledger,
  type PostOutcome,
  type WebhookDesk,
} from '@holdfast/gateway/internal';
import test, { type ExecutionContext } from 'ava';
import { poll, until } from '../../support/calls.ts';
import { HandJournal, newSigner, requested, started } from '../../support/hand-journal.ts';
import { ledgers } from '../../support/ledgers.ts';
import { noWebhooks } from '../../support/no-webhooks.ts';
import { SimClock } from '../../support/sim-clock.ts';

const { publicKey } = newSigner();
const silent = { error: () => {}, info: () => {}, debug: () => {} };
const taken: PostOutcome = { kind: 'taken' };

/** A ledger, an endpoint that answers as it is told, and what it was told. */
class World {
  readonly clock = new SimClock();
  readonly told: CloudEvent[] = [];
  answer: (event: CloudEvent) => PostOutcome = () => taken;
  readonly ledger: Ledger;
  readonly fleet: Fleet;
  readonly #t: ExecutionContext;
  webhooks: Webhooks | undefined;

  constructor(t: ExecutionContext, ledger: Ledger) {
    this.#t = t;
    this.ledger = ledger;
    const changed = () => void this.webhooks?.changed();
    const desk: WebhookDesk = { ...noWebhooks, post: async () => taken, changed };
    this.fleet = createFleet({ ledger, clock: this.clock, sha256, webhooks: desk });
  }

  static async of(t: ExecutionContext): Promise<World> {
    const open = ledgers['the ledger in the simulated store'];
    if (open === undefined) throw new Error('no such ledger');
    return new World(t, (await open(t)).ledger);
  }

  /** Begins a life of the gateway. */
  async start(): Promise<Webhooks> {
    const { ledger, clock } = this;
    const webhooks = new Webhooks({
      ...{ ledger, clock, log: silent, gateway: 'gw-1', owner: 'me', isShared: false },
      chance: () => 1,
      newAbort: () => new AbortController(),
      post: async (_subscriber, event) => {
        const outcome = this.answer(event);
        if (outcome.kind === 'taken') this.told.push(event);
        return outcome;
      },
    });
    this.#t.teardown(() => webhooks.close());
    this.webhooks = webhooks;
    await webhooks.changed();
    return webhooks;
  }

  async add(more: object = {}): Promise<string> {
    const order = { url: 'https://hooks.example/', filter: {}, personal: false, by: 'ola' };
    return (await this.fleet.addWebhook({ ...order, fromStart: true, ...more })).id;
  }

  async greet(journal: HandJournal): Promise<void> {
    const { device, epoch } = journal;
    await this.ledger.greet({ device, epoch, publicKey, atMs: 1 });
  }

  async arrive(journal: HandJournal, first: number, last: number): Promise<void> {
    await this.ledger.ingest(journal.ingest('normal', first, last));
    this.webhooks?.arrived(journal.device);
  }

  /** Resolves once so many events were taken. */
  async until(count: number): Promise<readonly string[]> {
    await until(() => this.told.length >= count, poll);
    return this.ids;
  }

  get ids(): readonly string[] {
    return this.told.map(({ id }) => id);
  }

  async passTime(ms: number): Promise<void> {
    await this.clock.advance(ms);
  }
}

const idsOf = (device: string, seqs: readonly number[]) =>
  seqs.map((seq) => `${device}/1/normal/${seq}`);

test('each entry is told once, those of a device in order, as a CloudEvent', async (t) => {
  const world = await World.of(t);
  const journal = new HandJournal('d1').append('normal', started('r1')).facts('normal', 199);
  const other = new HandJournal('d2').facts('normal', 3);
  for (const each of [journal, other]) await world.greet(each);
  await world.arrive(journal, 1, 150);
  await world.add();
  await world.start();
  await world.until(150);
  await world.arrive(other, 1, 3);
  await world.arrive(journal, 151, 200);
  await world.until(203);

  const seqs = Array.from({ length: 200 }, (_, index) => index + 1);
  t.deepEqual(world.ids.filter((id) => id.startsWith('d1/')), idsOf('d1', seqs));
  t.deepEqual(world.ids.filter((id) => id.startsWith('d2/')), idsOf('d2', [1, 2, 3]));
  const [first] = world.told;
  t.like(first, {
    ...{ specversion: '1.0', id: 'd1/1/normal/1', source: 'holdfast://gw-1/devices/d1' },
    ...{ type: 'dev.holdfast.run.started', subject: 'r1', datacontenttype: 'application/json' },
    ...{ partitionkey: 'd1', sequence: '0000000000000001', lane: 'normal', epoch: 1 },
    workflow: 'checkout',
  });
  for (const name of Object.keys(first ?? {})) t.regex(name, /^[a-z0-9]{1,20}$/);
});

test('whoever goes on after a crash tells nothing twice that was taken before', async (t) => {
  const world = await World.of(t);
  const journal = new HandJournal('d1').facts('normal', 100);
  await world.greet(journal);
  await world.arrive(journal, 1, 100);
  await world.add();
  world.answer = () => (world.told.length < 30 ? taken : away);
  const first = await world.start();
  await world.until(30);
  await first.close();
  world.answer = () => taken;
  await world.start();

  const seqs = journal.entries('normal').map((_, at) => at + 1);
  t.deepEqual(await world.until(100), idsOf('d1', seqs));
});

test('a life that ends without a word has the next one repeat a page at most', async (t) => {
  const world = await World.of(t);
  const journal = new HandJournal('d1').facts('normal', 200);
  await world.greet(journal);
  await world.arrive(journal, 1, 200);
  await world.add();
  // It waits for its next try, and never comes to it.
  world.answer = () => (world.told.length < 150 ? taken : away);
  await world.start();
  await world.until(150);
  await until(() => world.clock.pending > 0, poll);
  world.answer = () => taken;
  await world.start();
  await until(() => world.ids.at(-1) === 'd1/1/normal/200', poll);

  t.is(new Set(world.ids).size, 200);
  const repeated = world.ids.length - 200;
  t.true(repeated > 0 && repeated <= 64, `${repeated} were told twice`);
});

const away: PostOutcome = { kind: 'unavailable', status: 0, why: 'nobody', retryAfterMs: 0 };

test('what arrives while an endpoint is away is told when it is back', async (t) => {
  const world = await World.of(t);
  const journal = new HandJournal('d1').facts('normal', 10);
  await world.greet(journal);
  const id = await world.add();
  let attempts = 0;
  world.answer = () => {
    attempts += 1;
    return away;
  };
  await world.start();
  await world.arrive(journal, 1, 10);
  await until(() => attempts === 1 && world.clock.pending > 0, poll);
  await world.passTime(60_000);
  await until(() => attempts > 1, poll);
  const shown = (await world.fleet.webhooks()).webhooks[0];
  t.like(shown, { id, state: 'active', why: 'nobody', dead: 0 });
  t.truthy(shown?.failingSince);

  world.answer = () => taken;
  await until(() => world.clock.pending > 0, poll);
  await world.passTime(600_000);
  t.deepEqual(await world.until(10), idsOf('d1', [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]));
  t.is((await world.fleet.webhooks()).webhooks[0]?.failingSince, null);
});

test('an event that is refused holds up no other, and can be sent again', async (t) => {
  const world = await World.of(t);
  const journal = new HandJournal('d1').facts('normal', 5);
  await world.greet(journal);
  const id = await world.add();
  const poison = 'd1/1/normal/3';
  const refusal: PostOutcome = { kind: 'refused', status: 422, why: 'it answered 422: no' };
  world.answer = (event) => (event.id === poison ? refusal : taken);
  await world.start();
  await world.arrive(journal, 1, 5);
  await until(() => world.clock.pending > 0, poll);
  await world.passTime(60_000);
  t.deepEqual(await world.until(4), idsOf('d1', [1, 2, 4, 5]));
  const dead = async () => (await world.fleet.deadEvents({ id, limit: 9 })).events;
  await until(() => world.told.length === 4, poll);
  t.like((await dead())[0], { event: poison, attempts: 3, status: 422, why: refusal.why });

  world.answer = () => taken;
  t.is((await world.fleet.requeueEvents({ id })).events, 1);
  t.deepEqual((await world.until(5)).at(-1), poison);
  await world.webhooks?.close();
  t.deepEqual(await dead(), []);
  await t.throwsAsync(world.fleet.requeueEvents({ id: 'wh-none' }), { code: 'HF_WEBHOOK_UNKNOWN' });
});

test('one that is disabled is among the problems, and goes on where it was', async (t) => {
  const world = await World.of(t);
  const journal = new HandJournal('d1').facts('normal', 6);
  await world.greet(journal);
  const id = await world.add();
  const gone: PostOutcome = { kind: 'gone', status: 410, why: 'it answered 410' };
  world.answer = () => (world.told.length < 2 ? taken : gone);
  await world.start();
  await world.arrive(journal, 1, 6);
  await world.until(2);
  const isDisabled = async () => (await world.fleet.webhooks()).webhooks[0]?.state === 'disabled';
  while (!(await isDisabled())) await new Promise((resolve) => setTimeout(resolve, 5));
  const { problems } = await world.fleet.devices({ limit: 9 });
  t.deepEqual(problems.map(({ code }) => code), ['HF_WEBHOOK_DISABLED']);

  world.answer = () => taken;
  await world.fleet.enableWebhook(id);
  t.deepEqual(await world.until(6), idsOf('d1', [1, 2, 3, 4, 5, 6]));
  t.deepEqual((await world.fleet.devices({ limit: 9 })).problems, []);
});

test('only what is asked for is told, and only what arrives from now on', async (t) => {
  const world = await World.of(t);
  const journal = new HandJournal('d1').append('normal', started('r1')).facts('normal', 2);
  const other = new HandJournal('d2').append('normal', started('r2'));
  for (const each of [journal, other]) await world.greet(each);
  await world.ledger.tag({ device: 'd1', tags: [{ name: 'site', value: 'oslo' }] });
  await world.arrive(journal, 1, 1);
  await world.start();
  const of = async (filter: object, fromStart = true) => {
    const id = await world.add({ filter, fromStart, url: `https://x.example/${fromStart}` });
    return id;
  };
  await of({ kinds: ['run.started'], tags: { site: 'oslo' } });
  t.deepEqual(await world.until(1), ['d1/1/normal/1']);
  await of({ devices: ['d1'], workflows: ['other'] });
  await of({ devices: ['d2'] }, false);
  await of({ kinds: ['event.emitted'] }, false);
  await world.arrive(other, 1, 1);
  await world.arrive(journal, 2, 3);
  await world.until(4);

  t.deepEqual(world.ids.toSorted(), [...idsOf('d1', [1, 2, 3]), ...idsOf('d2', [1])]);
});

test('a value about somebody goes out only where that is asked for', async (t) => {
  const world = await World.of(t);
  const journal = new HandJournal('d1').about('urgent', 'ola', requested('r1'));
  await world.greet(journal);
  await world.ledger.ingest(journal.ingest('urgent', 1, 1));
  await world.start();
  await world.add();
  await world.until(1);
  await world.add({ personal: true });
  await world.until(2);

  const [withheld, open] = world.told.map(({ data }) => JSON.stringify(data));
  t.not(withheld, open);
  t.regex(withheld ?? '', /"input":{"\$":"erased"/);
});
