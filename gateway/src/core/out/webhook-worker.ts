import { messageOf, Pauses, type Clock, type Log } from '@holdfast/protocol';
import { devicePages } from '../device-ledger.ts';
import type { DeviceRecord, Ledger } from '../ledger.ts';
import { cloudEventOf, type CloudEvent } from './cloud-event.ts';
import { fitsDevice, fromStart, hasMore, readOut, withSeq, type OutCursor } from './read-out.ts';
import { everything, type OutPlace, type OutRecord, type Sink } from './record.ts';
import type { DeadEvent, Subscriber } from './subscriber.ts';
import { afterPost, type PostOutcome, type WebhookHealth } from './webhook-health.ts';

/** Tells one endpoint of one event. Never rejects. */
export type Post = (
  subscriber: Pick<Subscriber, 'id' | 'url' | 'secret'>,
  event: CloudEvent,
  signal: AbortSignal,
) => Promise<PostOutcome>;

export interface WebhookPorts {
  readonly ledger: Ledger;
  readonly clock: Clock;
  readonly log: Log;
  readonly post: Post;
  /** In [0, 1). */
  readonly chance: () => number;
  /** Name of the gateway. */
  readonly gateway: string;
  /** Names this process among those that share the ledger. */
  readonly owner: string;
  /** Others take entries into the same ledger: it is looked over now and again. */
  readonly isShared: boolean;
  readonly newAbort: () => { readonly signal: AbortSignal; abort(): void };
}

/** Others leave a subscriber to the one that claimed it for so long. */
const CLAIM_MS = 30_000;
const RENEW_MS = 8_000;
/** How often a shared ledger is looked over, and a claim of another one asked for. */
const LOOK_MS = 3_000;
/** Pause after the ledger could not be read. */
const LEDGER_PAUSE_MS = 5_000;
/** Entries looked at in a turn, after which it is durable how far the subscriber was told. */
const PAGE = 64;
const DEAD_PAGE = 64;

/** Ends the work of a turn: not an error. */
class Stopped extends Error {}

/** Tells one subscriber what arrives, device by device, for as long as it is active. */
export class WebhookWorker {
  readonly #ports: WebhookPorts;
  readonly #dirty = new Set<string>();
  readonly #abort: { readonly signal: AbortSignal; abort(): void };
  #subscriber: Subscriber;
  #health: WebhookHealth;
  /** Whether all devices are to be looked over. */
  #isAll = true;
  /** Somebody has woken it while it was at work. */
  #isMissed = false;
  #claimedAtMs = Number.NEGATIVE_INFINITY;
  #state: 'open' | 'closed' = 'open';
  #turn: Promise<void> | undefined;
  #cancelWake: () => void = () => {};
  readonly #pauses: Pauses;

  constructor(subscriber: Subscriber, ports: WebhookPorts) {
    this.#subscriber = subscriber;
    this.#ports = ports;
    this.#pauses = new Pauses(ports.clock);
    this.#abort = ports.newAbort();
    const { failingSinceMs, refusedInARow } = subscriber;
    this.#health = { attempts: 0, failingSinceMs, refusedInARow };
    this.wake();
  }

  /** Entries of a device have become durable. */
  arrived(device: string): void {
    this.#dirty.add(device);
    this.wake();
  }

  /** Events that were set aside are to be sent again, or the ledger is to be looked over. */
  wake(): void {
    if (this.#state !== 'open') return;
    this.#isMissed = this.#turn !== undefined;
    this.#turn ??= this.#run();
  }

  /** Tells nothing more. What was not taken is told again by whoever goes on. */
  async close(): Promise<void> {
    this.#state = 'closed';
    this.#cancelWake();
    this.#pauses.close();
    this.#abort.abort();
    await this.#turn;
    const { ledger, owner } = this.#ports;
    await ledger.out.claimSubscriber(this.#subscriber.id, owner, 0).catch(() => false);
  }

  async #run(): Promise<void> {
    await undefined; // Let every wake of this turn join.
    let againInMs = this.#ports.isShared ? LOOK_MS : undefined;
    try {
      await this.#work();
      if (this.#ports.isShared) this.#isAll = true;
    } catch (error) {
      this.#isAll = true;
      // Whoever wakes it next has it look anew whether it may.
      this.#claimedAtMs = Number.NEGATIVE_INFINITY;
      if (!(error instanceof Stopped)) {
        againInMs = LEDGER_PAUSE_MS;
        const { id } = this.#subscriber;
        this.#ports.log.error('a webhook is held up', { webhook: id, why: messageOf(error) });
      }
    } finally {
      this.#turn = undefined;
    }
    if (this.#state === 'closed') return;
    this.#cancelWake();
    if (againInMs !== undefined) {
      this.#cancelWake = this.#ports.clock.wakeIn(againInMs, () => this.wake());
    } else if (this.#isMissed) this.wake();
  }

  async #work(): Promise<void> {
    await this.#claim();
    await this.#sendDead();
    if (this.#isAll) {
      this.#isAll = false;
      await this.#lookOver();
    }
    for (;;) {
      const [device] = this.#dirty;
      if (device === undefined) return;
      this.#dirty.delete(device);
      await this.#tellAll(device);
    }
  }

  /** @throws Stopped: another gateway tells this subscriber, or nobody does any more. */
  async #claim(): Promise<void> {
    const { ledger, clock, owner } = this.#ports;
    if (this.#state === 'closed') throw new Stopped();
    if (clock.monoMs() - this.#claimedAtMs < RENEW_MS) return;
    const { id } = this.#subscriber;
    if (!(await ledger.out.claimSubscriber(id, owner, CLAIM_MS))) throw new Stopped();
    this.#claimedAtMs = clock.monoMs();
    // A person may have changed it, at another gateway.
    const known = await ledger.out.subscriber(id);
    if (known === undefined || known.state === 'disabled') throw new Stopped();
    this.#subscriber = known;
  }

  async #lookOver(): Promise<void> {
    const { ledger } = this.#ports;
    for await (const page of devicePages(ledger)) {
      const devices = page.map(({ device }) => device);
      const cursors = await ledger.out.cursors(this.#subscriber.id, devices);
      page.forEach((record, index) => {
        if (hasMore(cursors[index] ?? fromStart, record)) this.#dirty.add(record.device);
      });
    }
  }

  async #tellAll(device: string): Promise<void> {
    const { ledger } = this.#ports;
    const { id, filter, isPersonal } = this.#subscriber;
    const [known] = await ledger.out.cursors(id, [device]);
    let cursor = known ?? fromStart;
    for (;;) {
      await this.#claim();
      const record = await ledger.device(device);
      if (record === undefined) return;
      const reading = { filter, isPersonal, limit: fitsDevice(record, filter) ? PAGE : 1_024 };
      const page = await readOut(ledger, { record, cursor }, reading);
      if (page.isEnd) return;
      await this.#tellPage(record, { cursor, next: page.cursor, records: page.records });
      cursor = page.cursor;
    }
  }

  /** Tells a page of one lane, and makes durable how far that came. */
  async #tellPage(
    { device }: DeviceRecord,
    page: {
      readonly cursor: OutCursor;
      readonly next: OutCursor;
      readonly records: readonly OutRecord[];
    },
  ): Promise<void> {
    const { ledger } = this.#ports;
    const dead: DeadEvent[] = [];
    let reached = { ...page.cursor, epoch: page.next.epoch };
    if (page.cursor.epoch !== page.next.epoch) reached = { ...fromStart, epoch: page.next.epoch };
    const advance = (to: OutCursor): Promise<void> =>
      ledger.out.advance({ id: this.#subscriber.id, cursors: new Map([[device, to]]), dead });
    const sink: Sink = {
      take: async (records) => {
        for (const record of records) {
          const refused = await this.#tell(record);
          if (refused !== undefined) dead.push(refused);
          reached = withSeq(reached, record);
        }
      },
    };
    try {
      await sink.take(page.records);
    } catch (error) {
      if (page.records.length > 0) await advance(reached);
      throw error;
    }
    await advance(page.next);
  }

  /** @returns The event, where it was not taken and is set aside. */
  async #tell(record: OutRecord): Promise<DeadEvent | undefined> {
    const { clock, post, chance, gateway, log } = this.#ports;
    const event = cloudEventOf(record, gateway);
    const { device, epoch, lane, seq } = record;
    for (;;) {
      await this.#claim();
      const outcome = await post(this.#subscriber, event, this.#abort.signal);
      // It was cut off by us: that says nothing of the endpoint.
      if (this.#state === 'closed' && outcome.kind !== 'taken') throw new Stopped();
      const nowMs = clock.nowMs();
      const attempts = this.#health.attempts + 1;
      const { health, next } = afterPost(this.#health, outcome, { nowMs, chance: chance() });
      await this.#note(health, outcome, next.kind === 'disable' ? next.why : undefined);
      if (next.kind === 'taken') return undefined;
      if (next.kind === 'disable') throw new Stopped();
      const { status, why } = outcome.kind === 'taken' ? { status: 0, why: '' } : outcome;
      if (next.kind === 'dead') {
        log.error('an event was not taken by its webhook', {
          ...{ webhook: this.#subscriber.id, event: record.id, status, why },
        });
        const place: OutPlace = { device, epoch, lane, seq };
        return { place, atMs: nowMs, attempts, status, why, isQueued: false };
      }
      await this.#pauses.wait(next.inMs);
    }
  }

  /** Keeps what people are shown, when it changes by more than the time of a delivery. */
  async #note(
    health: WebhookHealth,
    outcome: PostOutcome,
    disabled: string | undefined,
  ): Promise<void> {
    const { ledger, clock, log } = this.#ports;
    const before = this.#health;
    this.#health = health;
    const nowMs = clock.nowMs();
    const { deliveredAtMs, id } = this.#subscriber;
    const why = disabled ?? (outcome.kind === 'taken' ? '' : outcome.why);
    const isChanged =
      disabled !== undefined ||
      why !== this.#subscriber.why ||
      health.failingSinceMs !== before.failingSinceMs ||
      health.refusedInARow !== before.refusedInARow ||
      nowMs - deliveredAtMs > 60_000;
    if (!isChanged) return;
    const { failingSinceMs, refusedInARow } = health;
    const known = await ledger.out.subscriber(id);
    // A person may have removed or disabled it in between.
    if (known === undefined) throw new Stopped();
    this.#subscriber = {
      ...known,
      ...{ failingSinceMs, refusedInARow, why },
      state: disabled === undefined ? known.state : 'disabled',
      deliveredAtMs: outcome.kind === 'taken' ? nowMs : deliveredAtMs,
    };
    await ledger.out.saveSubscriber(this.#subscriber);
    if (disabled !== undefined) log.error('a webhook is disabled', { webhook: id, why });
  }

  /** Sends what was set aside, and is to be sent again. */
  async #sendDead(): Promise<void> {
    const { ledger } = this.#ports;
    const { id } = this.#subscriber;
    let after: OutPlace | undefined;
    for (;;) {
      const page = await ledger.out.deadEvents({ id, after, limit: DEAD_PAGE });
      for (const event of page) if (event.isQueued) await this.#sendAgain(event);
      after = page.at(-1)?.place;
      if (page.length < DEAD_PAGE) return;
    }
  }

  async #sendAgain({ place }: DeadEvent): Promise<void> {
    const { ledger } = this.#ports;
    const { id, isPersonal } = this.#subscriber;
    const record = await ledger.device(place.device);
    const reading = { filter: everything, isPersonal, limit: 1 };
    const page = record && (await readOut(ledger, { record, cursor: justBefore(place) }, reading));
    // What the ledger has no more, nobody can be told of.
    const again = page?.records.find(({ seq }) => seq === place.seq);
    const refused = again && (await this.#tell(again));
    const put = refused === undefined ? [] : [refused];
    await ledger.out.changeDead({ id, put, gone: refused === undefined ? [place] : [] });
  }
}

/** A place is next; the other lanes count as read. */
function justBefore({ epoch, lane, seq }: OutPlace): OutCursor {
  const all = Number.MAX_SAFE_INTEGER;
  return withSeq({ epoch, seqs: [all, all, all] }, { lane, seq: seq - 1 });
}
