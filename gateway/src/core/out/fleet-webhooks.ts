import { HoldfastError, errorCatalogue, type Clock } from '@holdfast/protocol';
import { devicePages } from '../device-ledger.ts';
import { rfc3339 } from '../entry-view.ts';
import { tagsOf, tagsView } from '../fleet-commands.ts';
import type { ProblemView } from '../device-views.ts';
import type { Ledger } from '../ledger.ts';
import { testEvent } from './cloud-event.ts';
import { endOf } from './read-out.ts';
import { everything, outId, readOutId, type OutPlace } from './record.ts';
import { SUBSCRIBERS_MAX } from './store-out.ts';
import type { DeadEvent, OutLedger, Subscriber } from './subscriber.ts';
import type { FleetWebhooks, WebhookOrder, WebhookView } from './webhook-views.ts';
import type { Post } from './webhook-worker.ts';

/** What webhooks need of the world. */
export interface WebhookDesk {
  /** @throws HF_WEBHOOK_TARGET for a URL that webhooks may not go to. */
  readonly check: (url: string) => Promise<unknown>;
  readonly post: Post;
  readonly newSecret: () => Uint8Array;
  /** Has a secret be of use to those alone who have the gateway's key. */
  readonly seal: (id: string, secret: Uint8Array) => Uint8Array;
  readonly newId: () => string;
  readonly base64: { encode(bytes: Uint8Array): string; decode(text: string): Uint8Array };
  readonly gateway: string;
  readonly never: AbortSignal;
  /** Webhooks have changed; absent: no gateway runs. */
  readonly changed?: (() => void) | undefined;
}

interface WebhookOptions {
  readonly ledger: Ledger;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly desk: WebhookDesk;
}

const COUNT_MAX = 1_000;
const [SECRET_BYTES_MIN, SECRET_BYTES_MAX] = [24, 64];
const PREFIX = 'whsec_';

/** What the fleet offers to those who are to be told of entries. */
export function createWebhooks(options: WebhookOptions): FleetWebhooks {
  const { ledger, clock, desk } = options;
  const { out } = ledger;
  const now = () => rfc3339(clock.nowMs()) ?? '';
  const changed = () => desk.changed?.();
  return {
    async webhooks() {
      const webhooks: WebhookView[] = [];
      // One after another: each counts what was not taken.
      for (const each of await out.subscribers()) webhooks.push(await viewOf(out, each));
      return { schema: 'holdfast.webhooks/1', at: now(), webhooks };
    },
    async addWebhook(order) {
      const given = secretOf(order, desk);
      const subscriber = await add(options, order, given);
      changed();
      const secret = PREFIX + desk.base64.encode(given);
      const view = await viewOf(out, subscriber);
      return { schema: 'holdfast.webhook-made/1', at: now(), ...view, secret };
    },
    async enableWebhook(id) {
      const known = await subscriberOf(out, id);
      const quiet = { why: '', failingSinceMs: 0, refusedInARow: 0 };
      const subscriber: Subscriber = { ...known, ...quiet, state: 'active' };
      await out.saveSubscriber(subscriber);
      changed();
      const view = await viewOf(out, subscriber);
      return { schema: 'holdfast.webhook/1', at: now(), ...view };
    },
    async removeWebhook(id) {
      if (!(await out.removeSubscriber(id))) throw unknown(id);
      changed();
      return { schema: 'holdfast.webhook-removed/1', at: now(), id };
    },
    async testWebhook(id) {
      const subscriber = await subscriberOf(out, id);
      const event = testEvent(desk.gateway, `test-${desk.newId()}`, clock.nowMs());
      const outcome = await desk.post(subscriber, event, desk.never);
      const { status, why } = outcome.kind === 'taken' ? { status: 0, why: '' } : outcome;
      const told = { outcome: outcome.kind, status: status || null, why: why || null };
      return { schema: 'holdfast.webhook-tested/1', at: now(), id, ...told };
    },
    async deadEvents({ id, after, limit }) {
      await subscriberOf(out, id);
      const place = after === undefined ? undefined : placeOf(after);
      const found = await out.deadEvents({ id, after: place, limit });
      const last = found.at(-1);
      const next = last === undefined || found.length < limit ? null : outId(last.place);
      const events = found.map(deadView);
      return { schema: 'holdfast.dead-events/1', at: now(), id, events, next };
    },
    async requeueEvents({ id, event }) {
      await subscriberOf(out, id);
      const events = await requeue(out, id, event === undefined ? undefined : placeOf(event));
      changed();
      return { schema: 'holdfast.requeued-events/1', at: now(), id, events };
    },
  };
}

/** Webhooks that are disabled, for those who look after the fleet. */
export async function webhookProblems(ledger: Ledger): Promise<readonly ProblemView[]> {
  const { message, hint } = errorCatalogue.HF_WEBHOOK_DISABLED;
  return (await ledger.out.subscribers())
    .filter(({ state }) => state === 'disabled')
    .map(({ id, why }) => {
      return { code: 'HF_WEBHOOK_DISABLED', message: `${message}: ${id}: ${why}`, hint };
    });
}

async function add(
  { ledger, clock, desk }: WebhookOptions,
  order: WebhookOrder,
  secret: Uint8Array,
): Promise<Subscriber> {
  await desk.check(order.url);
  if ((await ledger.out.subscribers()).length >= SUBSCRIBERS_MAX) {
    throw invalid(`there are ${SUBSCRIBERS_MAX} webhooks already`);
  }
  const { devices = [], tags = {}, workflows = [], kinds = [] } = order.filter;
  const filter = { ...everything, devices, workflows, kinds, tags: tagsOf(tags) };
  const id = `wh-${desk.newId()}`;
  if (!order.fromStart) {
    for await (const records of devicePages(ledger)) {
      const cursors = new Map(records.map((record) => [record.device, endOf(record)]));
      // Before the subscriber itself: it is told of nothing until it is there.
      await ledger.out.advance({ id, cursors });
    }
  }
  const subscriber: Subscriber = {
    ...{ id, url: order.url, secret: desk.seal(id, secret), filter, by: order.by },
    ...{ createdAtMs: clock.nowMs(), isPersonal: order.personal, state: 'active', why: '' },
    ...{ failingSinceMs: 0, refusedInARow: 0, deliveredAtMs: 0 },
  };
  await ledger.out.saveSubscriber(subscriber);
  return subscriber;
}

function secretOf({ secret }: WebhookOrder, desk: WebhookDesk): Uint8Array {
  if (secret === undefined) return desk.newSecret();
  const text = secret.trim();
  const isBase64 = text.startsWith(PREFIX) && /^[A-Za-z0-9+/]+={0,2}$/.test(text.slice(6));
  const bytes = isBase64 ? desk.base64.decode(text.slice(PREFIX.length)) : new Uint8Array();
  if (bytes.byteLength >= SECRET_BYTES_MIN && bytes.byteLength <= SECRET_BYTES_MAX) return bytes;
  throw invalid(`a secret is ${PREFIX} and base64 of ${SECRET_BYTES_MIN} to 64 bytes`);
}

async function subscriberOf(out: OutLedger, id: string): Promise<Subscriber> {
  const found = await out.subscriber(id);
  if (found !== undefined) return found;
  throw unknown(id);
}

async function requeue(out: OutLedger, id: string, place: OutPlace | undefined): Promise<number> {
  let after = place && { ...place, seq: place.seq - 1 };
  let queued = 0;
  for (;;) {
    const limit = place === undefined ? COUNT_MAX : 1;
    const page = await out.deadEvents({ id, after, limit });
    const name = place && outId(place);
    const meant = page.filter((each) => name === undefined || outId(each.place) === name);
    const put = meant.map((event): DeadEvent => ({ ...event, isQueued: true }));
    if (put.length > 0) await out.changeDead({ id, put, gone: [] });
    queued += put.length;
    after = page.at(-1)?.place;
    if (place !== undefined || page.length < limit) return queued;
  }
}

async function viewOf(out: OutLedger, subscriber: Subscriber): Promise<WebhookView> {
  const { id, url, state, why, by, filter, isPersonal: personal } = subscriber;
  const { devices, tags, workflows, kinds } = filter;
  const dead = await out.deadEvents({ id, limit: COUNT_MAX });
  return {
    ...{ id, url, state, why: why || null, by, personal, dead: dead.length },
    createdAt: rfc3339(subscriber.createdAtMs),
    failingSince: rfc3339(subscriber.failingSinceMs),
    deliveredAt: rfc3339(subscriber.deliveredAtMs),
    filter: { devices, tags: tagsView(tags), workflows, kinds },
  };
}

function deadView({ place, atMs, attempts, status, why, isQueued: queued }: DeadEvent) {
  return {
    ...{ event: outId(place), at: rfc3339(atMs), attempts, status: status || null, why },
    queued,
  };
}

function placeOf(text: string): OutPlace {
  const place = readOutId(text);
  if (place !== undefined) return place;
  throw invalid(`${JSON.stringify(text)} is not the id of an event: device/epoch/lane/seq`);
}

function invalid(why: string): HoldfastError {
  return new HoldfastError('HF_REQUEST_INVALID', { why });
}

function unknown(id: string): HoldfastError {
  return new HoldfastError('HF_WEBHOOK_UNKNOWN', { why: id });
}
