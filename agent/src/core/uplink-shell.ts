import {
  AssertionError,
  NO_BYTES,
  lanes,
  messageOf,
  seal,
  unreachable,
  type Link,
  type LinkEvent,
  type Message,
  type Welcome,
} from '@holdfast/protocol';
import { Applying } from './uplink-applying.ts';
import { capOf } from './uplink-cap.ts';
import { UplinkGate } from './uplink-gate.ts';
import { helloOf } from './uplink-hello.ts';
import { Inbox, type Rejected } from './uplink-inbox.ts';
import { paceOf } from './uplink-pace.ts';
import type { UplinkPorts } from './uplink-ports.ts';
import { Sending, type Posted } from './uplink-sending.ts';
import {
  uplinkLimits,
  type LaneMarks,
  type Moment,
  type UplinkEffect,
  type UplinkLimits,
  type UplinkState,
} from './uplink-state.ts';
import { problemOf } from './uplink-stream.ts';
import { linkStateOf, viewOf, type UplinkView } from './uplink-view.ts';
import type { LinkState } from './views.ts';
import { step, uplinkIdle, wakeAtMs } from './uplink.ts';

export interface UplinkOptions {
  readonly device: string;
  readonly agentVersion: string;
  /** Tells this machine from others. Default: not known. */
  readonly machine?: Uint8Array;
  readonly limits?: Partial<UplinkLimits>;
}

/** Keeps the ledger up to date with the journal for as long as it is open. */
export interface Uplink {
  /** Makes the first attempt to connect. */
  start(): void;
  /** Someone knows that the network is up: the next attempt is made now. */
  nudge(): void;
  state(): UplinkView;
  /** Calls `listener` after each change of `state()`. @returns Stops. */
  onChange(listener: () => void): () => void;
  /** Ends the connection. Resolves once nothing of it touches the journal or the runtime. */
  close(): Promise<void>;
}

export function createUplink(ports: UplinkPorts, options: UplinkOptions): Uplink {
  return new UplinkShell(ports, options);
}

type AcknowledgeEffect = Extract<UplinkEffect, { readonly kind: 'acknowledge' }>;
type RefuseEffect = Extract<UplinkEffect, { readonly kind: 'refuse' }>;

/** A stranger who floods the topic must not flood the log. */
const REJECTED_LOG_EVERY_MS = 60_000;

/**
 * Drives the machine: takes one event at a time, performs its effects in order, and feeds their
 * outcomes back. Makes no decision of its own.
 */
class UplinkShell implements Uplink {
  readonly #ports: UplinkPorts;
  readonly #options: UplinkOptions;
  readonly #limits: UplinkLimits;
  readonly #incarnation: Uint8Array;
  readonly #inbox: Inbox;
  readonly #listeners = new Set<() => void>();
  readonly #stopListening: () => void;
  readonly #queue: Posted[] = [];
  readonly #unfinished = new Set<Promise<void>>();
  #state: UplinkState = uplinkIdle;
  #isStepping = false;
  #isClosed = false;
  #link: Link | undefined;
  /** Counts links: what an earlier one still says is void. */
  #life = 0;
  #wake: { readonly atMs: number; readonly cancel: () => void } | undefined;
  readonly #applying: Applying;
  readonly #sending: Sending;
  /** The link that a report is being sent on. */
  #reporting: Link | undefined;
  #phase: LinkState = 'offline';
  #phaseSinceMs: number;
  #stale = 0;
  #rejectedLoggedAtMs = Number.NEGATIVE_INFINITY;
  readonly #gate: UplinkGate | undefined;

  constructor(ports: UplinkPorts, options: UplinkOptions) {
    this.#ports = ports;
    this.#options = options;
    this.#limits = Object.freeze({ ...uplinkLimits, ...options.limits });
    this.#incarnation = ports.chance.bytes(8);
    this.#inbox = new Inbox({ ...ports, device: options.device });
    this.#applying = new Applying(ports, () => this.#post({ kind: 'missed' }));
    this.#sending = new Sending(ports, {
      device: options.device,
      link: () => this.#link,
      used: () => this.#used(),
      post: (event) => this.#post(event),
    });
    this.#phaseSinceMs = ports.clock.monoMs();
    const cap = capOf(ports.broker?.load(), this.#phaseSinceMs);
    const pace = paceOf(ports.broker?.bytesPerS?.() ?? Number.POSITIVE_INFINITY);
    this.#state = { ...uplinkIdle, memory: { ...uplinkIdle.memory, cap, pace } };
    const { meter, clock, journal } = ports;
    this.#gate =
      meter &&
      new UplinkGate({
        ...{ meter, clock, journal },
        current: () => this.#state.memory.gate,
        change: (gate) => this.#post({ kind: 'gate', gate }),
      });
    this.#stopListening = ports.journal.onCommit(() => {
      this.#gate?.look();
      // Offline, entries only wait; the welcome brings the heads as they are then.
      if (this.#state.kind === 'streaming') {
        this.#post({ kind: 'committed', marks: this.#marks() });
      }
    });
  }

  start(): void {
    this.#gate?.look();
    this.#post({ kind: 'nudge' });
  }

  nudge(): void {
    this.#post({ kind: 'nudge' });
  }

  state(): UplinkView {
    const { clock } = this.#ports;
    const now = { wallMs: clock.nowMs(), monoMs: clock.monoMs() };
    const metered = this.#ports.meter?.view() ?? null;
    const stale = this.#stale + this.#applying.stale;
    return { ...viewOf(this.#state, this.#phaseSinceMs, now), stale, metered };
  }

  onChange(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stopListening();
    this.#wake?.cancel();
    this.#gate?.close();
    this.#dropLink();
    this.#listeners.clear();
    await Promise.all([...this.#unfinished, this.#applying.close()]);
  }

  #post(event: Posted): void {
    if (this.#isClosed) return;
    this.#queue.push(event);
    if (this.#isStepping) return;
    this.#isStepping = true;
    const before = this.#state;
    try {
      // Closing may happen in a listener or an effect: what is left in the queue is void then.
      for (let next = this.#queue.shift(); next && !this.#isClosed; next = this.#queue.shift()) {
        this.#take(next);
      }
    } finally {
      this.#isStepping = false;
    }
    if (this.#isClosed) return;
    this.#armWake();
    if (this.#state !== before) this.#noteChange(before);
  }

  #take(posted: Posted): void {
    const { clock, chance } = this.#ports;
    const moment: Moment = { nowMs: clock.monoMs(), chance: chance.next() };
    const { state, effects } = step(this.#state, Object.assign(moment, posted), this.#limits);
    if (state === this.#state && effects.length === 0) this.#noteStale(posted);
    this.#state = state;
    for (const effect of effects) this.#perform(effect);
  }

  /** What comes again, or late, says nothing that is not known. */
  #noteStale({ kind }: Posted): void {
    if (kind === 'welcome' || kind === 'ack' || kind === 'refusal') this.#stale += 1;
  }

  #noteChange(before: UplinkState): void {
    const view = linkStateOf(this.#state);
    // Offline and connecting take turns for as long as an outage lasts: one time for both.
    const phase = view.state === 'connecting' ? 'offline' : view.state;
    if (phase !== this.#phase) {
      this.#phase = phase;
      this.#phaseSinceMs = this.#ports.clock.monoMs();
      this.#ports.log.info(`uplink ${phase}`, {
        code: view.problem?.code,
        why: view.problem?.message,
      });
    } else if (this.#state.kind !== before.kind) {
      const { attempt, reason } = this.#state.memory;
      this.#ports.log.debug(`uplink ${this.#state.kind}`, { attempt, code: reason?.code });
    }
    for (const listener of this.#listeners) listener();
  }

  #armWake(): void {
    const atMs = wakeAtMs(this.#state, this.#limits);
    // A wake that is too early costs a tick that changes nothing; arming for each ack costs more.
    if (this.#wake !== undefined && this.#wake.atMs <= atMs) return;
    this.#wake?.cancel();
    this.#wake = undefined;
    if (!Number.isFinite(atMs)) return;
    const { clock, chance } = this.#ports;
    const tick = (): void => {
      this.#wake = undefined;
      this.#post({ kind: 'tick', id: chance.bytes(8) });
    };
    // After a suspension the connection tells first.
    const cancel = clock.wakeIn(Math.max(0, atMs - clock.monoMs()), tick, 'patient');
    this.#wake = { atMs, cancel };
  }

  #perform(effect: UplinkEffect): void {
    switch (effect.kind) {
      case 'connect':
        return this.#connect();
      case 'close':
        return this.#dropLink();
      case 'hello':
        return this.#greet(effect.session);
      case 'pin':
        return this.#inbox.remember(effect.publicKey);
      case 'acknowledge':
        return this.#track(this.#acknowledge(effect));
      case 'outlived':
        return this.#ports.onOutlived(effect.outlived);
      case 'apply':
        return this.#applying.take(effect.commands);
      case 'time':
        return this.#ports.onTime(effect.gatewayMs, effect.roundTripMs);
      case 'refuse':
        return this.#refuse(effect);
      case 'report':
        return this.#track(this.#report(this.#link));
      case 'send':
        return this.#track(this.#sending.send(effect));
      case 'setAside':
        return this.#track(this.#sending.setAside(effect));
      case 'remember':
        return this.#ports.broker?.save(effect.cap);
      case 'measured':
        return this.#ports.broker?.measured?.(effect.bytesPerS);
      default:
        return unreachable(effect);
    }
  }

  #track(work: Promise<void>): void {
    this.#unfinished.add(work);
    void work.finally(() => this.#unfinished.delete(work));
  }

  #marks(): LaneMarks {
    return this.#ports.journal.positions();
  }

  #connect(): void {
    this.#life += 1;
    const life = this.#life;
    this.#link = this.#ports.dial((event) => {
      if (life === this.#life) this.#onLink(event);
    });
  }

  #dropLink(): void {
    this.#life += 1;
    this.#gate?.ended(this.#link);
    this.#link?.close();
    this.#link = undefined;
  }

  #onLink(event: LinkEvent): void {
    switch (event.kind) {
      case 'up':
        return this.#post({ kind: 'up', id: this.#ports.chance.bytes(8) });
      case 'down':
        this.#dropLink();
        return this.#post({ kind: 'down', reason: event.reason });
      case 'message':
        this.#used();
        return this.#receive(event.bytes);
      default:
        return unreachable(event);
    }
  }

  #used(): void {
    this.#gate?.used(this.#link);
    this.#gate?.look();
  }

  #receive(bytes: Uint8Array): void {
    const opened = this.#inbox.open(bytes);
    if ('rejected' in opened) this.#reject(opened);
    else this.#dispatch(opened.message);
  }

  #dispatch(message: Message): void {
    switch (message.kind) {
      case 'welcome':
        return this.#track(this.#compare(message));
      case 'ack':
        return this.#post({ kind: 'ack', ack: message, epoch: this.#ports.journal.epoch });
      case 'commands':
        return this.#post({ kind: 'commands', commands: message.commands });
      case 'refusal':
        if (message.code === 'HF_CHAIN_BROKEN') this.#track(this.#mend());
        return this.#post({ kind: 'refusal', refusal: message });
      default:
        return this.#reject({
          rejected: problemOf('HF_MESSAGE_INVALID', `a ${message.kind} came down`),
          unread: NO_BYTES,
        });
    }
  }

  /** Damage is mended without a person: then the ledger is asked again at once. */
  async #mend(): Promise<void> {
    const { journal, log } = this.#ports;
    try {
      const damaged = await journal.mend();
      if (damaged === 0) return;
      log.error('damaged entries gave way to holes', { damaged });
      this.#post({ kind: 'nudge' });
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      log.error('a lane cannot be mended', { why: messageOf(error) });
    }
  }

  /** Finds out where this journal stands against what the ledger holds. */
  async #compare(welcome: Welcome): Promise<void> {
    const { journal } = this.#ports;
    const at = welcome.lanes.map(({ watermark }, index) =>
      // What cannot be read cannot be compared; sending it fails, and says so.
      journal.hashAt(lanes[index] ?? 'bulk', watermark).catch(() => undefined),
    );
    const [urgent, normal, bulk] = await Promise.all(at);
    const { epoch } = journal;
    const hashes = [urgent, normal, bulk] as const;
    this.#post({ kind: 'welcome', welcome, stand: { epoch, marks: this.#marks(), hashes } });
  }

  #reject({ rejected: reason, unread }: Rejected): void {
    this.#post({ kind: 'rejected', reason, unread });
    const nowMs = this.#ports.clock.monoMs();
    if (nowMs - this.#rejectedLoggedAtMs < REJECTED_LOG_EVERY_MS) return;
    this.#rejectedLoggedAtMs = nowMs;
    this.#ports.log.error('message from the gateway dropped', {
      code: reason.code,
      why: reason.message,
      sinceStart: this.#state.memory.rejected,
    });
  }

  #greet(session: Uint8Array): void {
    const { device, agentVersion, machine = NO_BYTES } = this.#options;
    const identity = { device, agentVersion, machine, incarnation: this.#incarnation, session };
    const hello = helloOf({ ...this.#ports, ...identity });
    void this.#link?.send('up', seal(device, hello, this.#ports.signer));
  }

  #refuse({ why, of }: RefuseEffect): void {
    const told = { code: 'HF_MESSAGE_INVALID', why, retryAfterMs: 0, of } as const;
    const refusal: Message = { kind: 'refusal', ...told };
    void this.#link?.send('up', seal(this.#options.device, refusal, this.#ports.signer));
  }

  async #acknowledge({ session, lane, watermark, hash }: AcknowledgeEffect): Promise<void> {
    const { journal, log } = this.#ports;
    try {
      if (await journal.acknowledge(lane, watermark, hash)) return this.#gate?.look();
      // Perhaps the difference is damage here, which gives way to a hole.
      const mended = await journal.mend();
      if (mended > 0 && (await journal.acknowledge(lane, watermark, hash))) return;
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      // The entry stays unacknowledged, and is sent again some day.
      return log.error('watermark not recorded', { lane, watermark, why: messageOf(error) });
    }
    const why = `${lane} ${watermark} is acknowledged with the hash of another entry`;
    const outlived = { cause: 'forked', epoch: journal.epoch, why } as const;
    this.#post({ kind: 'forked', session, outlived });
  }

  /** The present is worth sending only while it is: never two reports on their way. */
  async #report(link: Link | undefined): Promise<void> {
    if (link === undefined || this.#reporting === link) return;
    this.#reporting = link;
    try {
      const message: Message = { kind: 'report', ...(await this.#ports.runtime.report()) };
      if (link !== this.#link) return;
      await link.send('state', seal(this.#options.device, message, this.#ports.signer));
    } catch (error) {
      if (error instanceof AssertionError) throw error;
      this.#ports.log.debug('no report', { why: messageOf(error) });
    } finally {
      if (this.#reporting === link) this.#reporting = undefined;
    }
  }
}
