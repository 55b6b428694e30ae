import {
  NO_BYTES,
  TAIL_BYTES,
  hex,
  isGenuine,
  keyNameOf,
  messageOf,
  open,
  seal,
  type Hello,
  type Message,
  type Sealed,
} from '@holdfast/protocol';
import { eachDevice } from './device-ledger.ts';
import { Intake } from './intake.ts';
import type { DeviceRecord } from './ledger.ts';
import { available, isUnavailable } from './ledger-availability.ts';
import { liveOf, type DeviceLive, type LiveLimits } from './live.ts';
import type { CommandRead } from './outbox.ts';
import type { SessionPorts } from './session-ports.ts';
import { isGreeting, isToBeLookedUp, newSession, type Session } from './session-state.ts';
import type { SessionEffect, SessionEvent, SessionLimits } from './session-events.ts';
import { step } from './session.ts';
import { forgetSilent } from './silent-sessions.ts';
import { spreadMsOf } from './sessions-limits.ts';
import { readHeld } from './verdict.ts';

export interface SessionsLimits extends SessionLimits, LiveLimits {
  /** Bytes of batches on their way into the ledger, of all devices; beyond it they are dropped. */
  readonly ingestBytesMax: number;
  /** Messages of one device that wait while the ledger is asked for it for the first time. */
  readonly loadingMax: number;
  /** Devices that may connect in a second when all of them have lost their connection. */
  readonly connectsPerS: number;
  /** How often unreceipted commands are looked at. */
  readonly tickMs: number;
}

/** In which the gateway that issued a command has sent it, and its receipt has come. */
const ELSEWHERE_MS = 3_000;

/**
 * The sessions of all devices: brings messages to the state machine of their device, one at a time
 * and in the order they came, and performs what it asks for. Batches of one device go into the
 * ledger in order, without one waiting for the commit of the other.
 */
export class Sessions {
  readonly #ports: SessionPorts;
  readonly #limits: SessionsLimits;
  readonly #sessions = new Map<string, Session>();
  readonly #loading = new Map<string, Uint8Array[]>();
  /** What is under way for a device that the ledger may not know: its session has to stay. */
  readonly #greeting = new Map<string, number>();
  readonly #underWay = new Set<Promise<void>>();
  /** Answers to devices that the ledger does not know, taken together. */
  #strangerAnswers: Session['answers'] = { sinceMs: 0, count: 0 };
  readonly #intake: Intake;
  #isClosed = false;
  /** Devices that were sent commands which they have not receipted. */
  readonly #unreceipted = new Set<string>();
  #cancelTick: (() => void) | undefined;
  #stopForgetting: () => void = () => {};

  constructor(ports: SessionPorts, limits: SessionsLimits) {
    this.#ports = ports;
    this.#limits = limits;
    this.#intake = new Intake(ports, limits, {
      sessionOf: (device) => this.#sessions.get(device),
      step: (device, event) => this.#step(device, event),
    });
  }

  /**
   * Reads which devices the ledger knows, so that `live` shows them all. Of a ledger that other
   * gateways write, too, there may be far more than this one ever hears of.
   */
  async start(): Promise<void> {
    const { isShared, clock, ledger } = this.#ports;
    if (isShared) this.#stopForgetting = forgetSilent(this.#sessions, clock, this.#forget);
    if (isShared) return;
    for await (const record of eachDevice(ledger)) {
      this.#sessions.set(record.device, newSession(record.device, record));
    }
  }

  /** Takes a message from a topic of `device`. Never throws, never waits. */
  receive(device: string, bytes: Uint8Array): void {
    if (this.#isClosed) return;
    const waiting = this.#loading.get(device);
    if (waiting !== undefined) {
      if (waiting.length < this.#limits.loadingMax) waiting.push(bytes);
      return;
    }
    const session = this.#sessions.get(device);
    const event = session && this.#eventOf(session, bytes);
    if (session === undefined || event === undefined || this.#isOld(session, event)) {
      this.#loading.set(device, [bytes]);
      this.#track(this.#load(device));
      return;
    }
    this.#step(device, event);
  }

  /** A command was issued for this device: it is sent now if the device is there. */
  issued(device: string): void {
    if (!this.#isClosed && this.#sessions.has(device)) this.#step(device, { kind: 'issued' });
  }

  /**
   * A command was issued for this device, maybe by another gateway, which sends it then. Where no
   * receipt comes in time, it did not.
   */
  issuedElsewhere(device: string): void {
    if (this.#isClosed || !this.#sessions.has(device)) return;
    this.#ports.clock.wakeIn(ELSEWHERE_MS, () => {
      if (this.#isClosed || this.#loading.has(device) || !this.#sessions.has(device)) return;
      this.#loading.set(device, []);
      this.#track(this.#load(device).then(() => this.issued(device)));
    });
  }

  /** Commands may have been issued elsewhere that this gateway was not told of. */
  issuedUnheard(): void {
    for (const { device } of this.live()) this.issuedElsewhere(device);
  }

  /** A person has decided for a key of this device, or against the one that counted. */
  rekeyed({ device, publicKey, awaitedKey, revokedKey }: DeviceRecord): void {
    if (this.#isClosed || !this.#sessions.has(device)) return;
    this.#step(device, { kind: 'rekeyed', keys: { publicKey, awaitedKey, revokedKey } });
  }

  /** How long what has waited longest for the ledger has waited, ms. */
  get waitMs(): number {
    return this.#intake.waitMs;
  }

  live(): readonly DeviceLive[] {
    const nowMs = this.#ports.clock.nowMs();
    const known = [...this.#sessions.values()].filter((session) => session.pinned !== undefined);
    return known.map((session) => liveOf(session, nowMs, this.#limits));
  }

  /** Takes no more messages; resolves once all that was taken is committed and answered. */
  async close(): Promise<void> {
    this.#isClosed = true;
    this.#cancelTick?.();
    this.#stopForgetting();
    this.#intake.close();
    while (this.#underWay.size > 0) await Promise.all(this.#underWay);
  }

  readonly #forget = (device: string): void => {
    if (this.#loading.has(device) || this.#greeting.has(device)) return;
    this.#unreceipted.delete(device);
    this.#sessions.delete(device);
  };

  /** Looks again before long at commands that were sent and have no receipt. */
  #awaitReceipts({ device, outbox }: Session): void {
    if (outbox.sent <= outbox.applied) {
      this.#unreceipted.delete(device);
      return;
    }
    this.#unreceipted.add(device);
    this.#cancelTick ??= this.#ports.clock.wakeIn(this.#limits.tickMs, () => {
      this.#cancelTick = undefined;
      for (const each of [...this.#unreceipted]) this.#step(each, { kind: 'tick' });
    });
  }

  /** Another instance may have registered the device: the ledger knows. */
  async #load(device: string): Promise<void> {
    // What comes meanwhile joins, and keeps its turn.
    const waiting = this.#loading.get(device) ?? [];
    try {
      const record = await this.#ports.ledger.device(device);
      const nowMs = this.#ports.clock.nowMs();
      if (record !== undefined && this.#sessions.has(device)) {
        this.#step(device, { kind: 'looked', record });
      }
      for (let bytes = waiting.shift(); bytes !== undefined; bytes = waiting.shift()) {
        const fresh = newSession(device, record, nowMs);
        const stranger = { ...fresh, answers: this.#strangerAnswers };
        const session = record === undefined ? stranger : fresh;
        await this.#read(this.#sessions.get(device) ?? session, bytes);
      }
    } finally {
      this.#loading.delete(device);
    }
  }

  async #read(session: Session, bytes: Uint8Array): Promise<void> {
    const { device } = session;
    const event = this.#eventOf(session, bytes);
    if (this.#ports.isShared && isGreeting(event)) await this.#meet(session, event);
    else {
      this.#sessions.set(device, session);
      this.#step(device, event);
    }
  }

  /** Which agents have greeted as a device is for all gateways to know before one is let in. */
  async #meet(session: Session, event: SessionEvent): Promise<void> {
    const { ledger, clock } = this.#ports;
    const { device } = session;
    for (;;) {
      const seen = await ledger.incarnations(device);
      const met = { ...(this.#sessions.get(device) ?? session), incarnations: seen };
      const { state } = step(met, event, { nowMs: clock.nowMs(), limits: this.#limits });
      const next = state.incarnations;
      const isKept = next === seen || (await ledger.noteIncarnations({ device, seen, next }));
      if (!isKept) continue;
      this.#sessions.set(device, {
        ...(this.#sessions.get(device) ?? session),
        incarnations: seen,
      });
      this.#step(device, event);
      return;
    }
  }

  #isOld(session: Session, event: SessionEvent): boolean {
    if (!this.#ports.isShared) return false;
    return isGreeting(event) || isToBeLookedUp(session, event, this.#ports.clock.nowMs());
  }

  #eventOf({ device, pinned }: Session, bytes: Uint8Array): SessionEvent {
    const tail = bytes.slice(-TAIL_BYTES);
    let sealed: Sealed;
    try {
      sealed = open(device, bytes);
    } catch (error) {
      return { kind: 'unreadable', why: messageOf(error), tail };
    }
    const { message } = sealed;
    const brought = message.kind === 'hello' ? message.publicKey : undefined;
    const keyName = brought === undefined ? '' : keyNameOf(this.#ports.sha256, brought);
    const isAwaited = keyName !== '' && keyName === pinned?.awaitedKey;
    const key = isAwaited ? brought : (pinned?.publicKey ?? brought);
    const genuine = key !== undefined && isGenuine(sealed, key, this.#ports.verify);
    const old = pinned?.revokedKey ?? NO_BYTES;
    const isLate = !genuine && message.kind === 'batch' && old.byteLength > 0;
    const isRevoked = isLate && isGenuine(sealed, old, this.#ports.verify);
    return { kind: 'message', message, genuine, keyName, isRevoked, tail };
  }

  /** A fleet that loses its broker comes again at a pace that was agreed on before. */
  #spread(): SessionsLimits {
    const { reconnectSpreadMs: least, connectsPerS } = this.#limits;
    const spreadMs = spreadMsOf(this.#sessions.size, connectsPerS);
    return { ...this.#limits, reconnectSpreadMs: Math.max(least, spreadMs) };
  }

  #step(device: string, event: SessionEvent): void {
    const session = this.#sessions.get(device);
    if (session === undefined) return;
    const limits = event.kind === 'greeted' ? this.#spread() : this.#limits;
    const at = { nowMs: this.#ports.clock.nowMs(), limits };
    const { state, effects } = step(session, event, at);
    this.#sessions.set(device, state);
    if (!this.#isClosed) this.#awaitReceipts(state);
    for (const effect of effects) this.#perform(device, effect);
    // Nothing is remembered of strangers: there is no end of them.
    if (state.pinned !== undefined || this.#greeting.has(device)) return;
    this.#strangerAnswers = state.answers;
    this.#sessions.delete(device);
  }

  #perform(device: string, effect: SessionEffect): void {
    switch (effect.kind) {
      case 'send':
        this.#send(device, effect.message);
        return;
      case 'greet':
        this.#track(this.#greet(device, effect.hello));
        return;
      case 'ingest':
        this.#track(this.#intake.ingest(device, effect));
        return;
      case 'quarantine':
        this.#track(this.#intake.quarantine(device, effect.batch));
        return;
      case 'declare':
        this.#track(this.#intake.declare(device, effect.hole));
        return;
      case 'readCommands':
        this.#track(this.#readCommands(device, effect.read));
        return;
      case 'noteClock': {
        const { epoch, sample } = effect;
        this.#track(this.#ports.ledger.noteClock({ device, epoch, sample }));
        return;
      }
      case 'count':
        this.#ports.meter?.refused(effect.code);
        return;
      case 'log': {
        const { code, why } = effect;
        this.#ports.log.info('refused', { device, code, why });
        return;
      }
      case 'close': {
        const { code, why } = effect;
        this.#ports.log.info('its connection is ended', { device, code, why });
        this.#ports.onFlood?.(device);
        return;
      }
      default:
        effect satisfies never;
    }
  }

  #send(device: string, message: Message): void {
    const bytes = seal(device, message, this.#ports.signer);
    this.#ports.downlink.send(device, bytes);
    if (message.kind !== 'commands') return;
    const tail = hex(bytes.subarray(-TAIL_BYTES));
    this.#step(device, { kind: 'handedOver', commands: message.commands, tail });
  }

  async #greet(device: string, hello: Hello): Promise<void> {
    const { epoch, publicKey, lastCommand, machine } = hello;
    const atMs = this.#ports.clock.nowMs();
    this.#intake.forget(device);
    this.#greeting.set(device, (this.#greeting.get(device) ?? 0) + 1);
    const greeting = { device, epoch, publicKey, lastCommand, machine, atMs };
    const { ledger } = this.#ports;
    const keyName = keyNameOf(this.#ports.sha256, publicKey);
    const work = async (): Promise<SessionEvent> => {
      const record = await ledger.greet(greeting);
      const held = await readHeld(ledger, hello, record);
      return { kind: 'greeted', hello, record, held, keyName };
    };
    const event = await available(work, { isBatch: false });
    const left = (this.#greeting.get(device) ?? 1) - 1;
    if (left === 0) this.#greeting.delete(device);
    else this.#greeting.set(device, left);
    this.#step(device, event);
  }

  async #readCommands(device: string, { after, limit }: CommandRead): Promise<void> {
    // When they could not be read, the next hello or receipt asks for them again.
    const commands = await orElse(this.#ports.ledger.commands({ device, after, limit }), []);
    if (commands.length > 0) await this.#ports.point('command:send');
    this.#step(device, { kind: 'commandsRead', after, commands });
  }

  /** Keeps what was begun in mind until it has ended. Only the ledger can fail in it. */
  #track(work: Promise<void>): void {
    const tracked = work
      .catch((error: unknown) => {
        if (!isUnavailable(error)) this.#ports.onFailure(error);
      })
      .finally(() => this.#underWay.delete(tracked));
    this.#underWay.add(tracked);
  }
}

async function orElse<T>(reading: Promise<T>, otherwise: T): Promise<T> {
  try {
    return await reading;
  } catch (error) {
    if (isUnavailable(error)) return otherwise;
    throw error;
  }
}
