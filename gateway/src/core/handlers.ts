import {
  checkName,
  codeOf,
  encodeThrown,
  HoldfastError,
  messageOf,
  parseTraceparent,
  sealKindOf,
  type Clock,
  type Log,
  type Sha256,
} from '@holdfast/protocol';
import type { Attempts, CallExecutor, RepeatPolicy } from './handler-ports.ts';
import { Slots } from './handler-slots.ts';
import { trueTime } from './device-clock.ts';
import type { CallResult, Ledger, PendingCall } from './ledger.ts';
import { wholeValue } from './whole-value.ts';

export interface HandlerPolicy extends RepeatPolicy {
  /** Longest time of one attempt. */
  readonly timeoutMs: number;
  /** Attempts of one service that may be under way at a time. */
  readonly concurrency: number;
}

export const handlerPolicyDefault: HandlerPolicy = Object.freeze({
  attempts: 5,
  minDelayMs: 1_000,
  maxDelayMs: 300_000,
  timeoutMs: 30_000,
  concurrency: 8,
});

export interface HandlerRunnerOptions {
  readonly ledger: Pick<
    Ledger,
    'pendingCalls' | 'claimCalls' | 'completeCall' | 'clocks' | 'entries'
  >;
  /** What this one is known by among those that execute calls of one ledger. Default: alone. */
  readonly owner?: string | undefined;
  readonly sha256: Sha256;
  readonly attempts: Attempts;
  readonly clock: Clock;
  readonly log: Log;
  /** Called after the result of a call of this device has become durable in the ledger. */
  readonly issued: (device: string) => void;
  readonly policy?: Partial<HandlerPolicy> | undefined;
}

/** Pending calls of a service that has no handler. */
export interface UnhandledCalls {
  readonly service: string;
  readonly calls: number;
  readonly oldestAtMs: number;
}

/** Calls held in memory, those in a pause or waiting for a slot included. */
const HELD_CALLS_MAX = 1_024;
/** Calls that one look into the ledger takes beyond those that are known. */
const SCAN_CALLS = 256;
/** The device's clock may be a little off, and a result that is on its way still helps. */
const EXPIRY_GRACE_MS = 60_000;
/** Others leave a call to the one that claimed it for so long, by the clock of the ledger. */
const CLAIM_MS = 10_000;
/** How often claims are renewed, and calls looked for that another one has left behind. */
const KEEP_MS = 2_500;
/** Pause after the ledger could not be read. */
const LEDGER_PAUSE_MS = 5_000;
/** The ledger may be busy mending itself; what a handler has done is not thrown away for that. */
const recordPolicy: RepeatPolicy = {
  attempts: Number.POSITIVE_INFINITY,
  minDelayMs: 1_000,
  maxDelayMs: 60_000,
};

/**
 * Executes the calls of devices: takes pending ones from the ledger, runs each with the handler of
 * its service, and records how it ended. A call is pending in the ledger until then, so one that a
 * crash interrupts is executed again, with the same idempotency key.
 *
 * A slot is held during an attempt only, not during the pause after it: calls that keep failing
 * stop none of the others.
 */
export class HandlerRunner {
  readonly #options: HandlerRunnerOptions;
  readonly #policy: HandlerPolicy;
  readonly #executors = new Map<string, CallExecutor>();
  readonly #slots = new Map<string, Slots>();
  /** Calls that are being executed, by their identity. */
  readonly #held = new Map<string, { readonly call: PendingCall; readonly end: Promise<void> }>();
  /** Calls that ended while a look into the ledger was under way, which may still show them. */
  readonly #settled = new Set<string>();
  #unhandled: readonly UnhandledCalls[] = [];
  #unhandledCalls = 0;
  /** Calls in the last look that others have. */
  #callsElsewhere = 0;
  #state: 'open' | 'closed' = 'open';
  #wanted = false;
  #scan: Promise<void> | undefined;
  #cancelPause: (() => void) | undefined;
  #cancelKeep: () => void = () => {};

  constructor(options: HandlerRunnerOptions) {
    this.#options = options;
    this.#policy = checkPolicy({ ...handlerPolicyDefault, ...options.policy });
    if (options.owner !== undefined) this.#keepLater();
  }

  /**
   * Has calls of this service executed from now on, those that wait already included.
   *
   * @throws HF_NAME_INVALID; HF_CONFIG_INVALID when the service has a handler.
   */
  register(service: string, executor: CallExecutor): void {
    checkName('service', service);
    if (this.#executors.has(service)) {
      throw new HoldfastError('HF_CONFIG_INVALID', { why: `${service} has two handlers` });
    }
    this.#executors.set(service, executor);
    this.wake();
  }

  /** Looks for calls, now or right after the look that is under way. */
  wake(): void {
    this.#wanted = true;
    if (this.#state === 'open') this.#scan ??= this.#look();
  }

  /** Calls that wait for a handler to be registered, by service. */
  unhandled(): readonly UnhandledCalls[] {
    return this.#unhandled;
  }

  /**
   * Lets attempts that are under way finish for `graceMs`, then aborts them. What did not end
   * stays pending. Resolves when nothing of the user's code is awaited any more.
   */
  async close(graceMs = 5_000): Promise<void> {
    this.#state = 'closed';
    this.#cancelPause?.();
    this.#cancelKeep();
    this.#options.attempts.stop(graceMs);
    await this.#scan;
    const held = [...this.#held.values()];
    await Promise.all(held.map(({ end }) => end));
    // Nobody has to wait for what this one leaves.
    await this.#claim(held.map(({ call }) => call), 0).catch(() => []);
  }

  async #look(): Promise<void> {
    await undefined; // Let every wake of this turn join.
    try {
      while (this.#wanted && this.#state === 'open' && this.#held.size < HELD_CALLS_MAX) {
        this.#wanted = false;
        this.#settled.clear();
        const known = this.#held.size + this.#unhandledCalls + this.#callsElsewhere;
        const limit = known + SCAN_CALLS;
        const calls = await this.#options.ledger.pendingCalls(limit);
        await this.#take(calls);
        if (calls.length === limit) this.#wanted = true;
      }
    } catch (error) {
      this.#wanted = true;
      this.#options.log.error('pending calls could not be read', describe(error));
      this.#cancelPause = this.#options.clock.wakeIn(LEDGER_PAUSE_MS, () => this.wake());
    } finally {
      this.#scan = undefined;
    }
  }

  #keepLater(): void {
    this.#cancelKeep = this.#options.clock.wakeIn(KEEP_MS, () => void this.#keep());
  }

  async #keep(): Promise<void> {
    const held = Array.from(this.#held.values(), ({ call }) => call);
    // A ledger that is not there is told of by the look that follows.
    await this.#claim(held, CLAIM_MS).catch(() => []);
    if (this.#state === 'closed') return;
    this.wake();
    this.#keepLater();
  }

  #claim(calls: readonly PendingCall[], forMs: number): Promise<readonly PendingCall[]> {
    const { ledger, owner } = this.#options;
    if (owner === undefined || calls.length === 0) return Promise.resolve(calls);
    return ledger.claimCalls({ calls, owner, forMs });
  }

  async #take(calls: readonly PendingCall[]): Promise<void> {
    const wanted: PendingCall[] = [];
    const unhandled = new Map<string, { service: string; calls: number; oldestAtMs: number }>();
    this.#unhandledCalls = 0;
    for (const call of calls) {
      if (this.#isKnown(call)) continue;
      if (!this.#executors.has(call.service)) {
        const { service, requested } = call;
        const known = unhandled.get(service) ?? { service, calls: 0, oldestAtMs: requested.atMs };
        known.calls += 1;
        unhandled.set(service, known);
        this.#unhandledCalls += 1;
      } else if (this.#held.size + wanted.length < HELD_CALLS_MAX) {
        wanted.push(call);
      }
    }
    this.#unhandled = this.#announce([...unhandled.values()]);
    const own = await this.#claim(wanted, CLAIM_MS);
    this.#callsElsewhere = wanted.length - own.length;
    for (const call of own) this.#begin(call);
  }

  #begin(call: PendingCall): void {
    const executor = this.#executors.get(call.service);
    if (executor === undefined || this.#isKnown(call) || this.#state !== 'open') return;
    const id = idOf(call);
    this.#held.set(id, { call, end: this.#hold(id, call, executor) });
  }

  #isKnown(call: PendingCall): boolean {
    const id = idOf(call);
    return this.#held.has(id) || this.#settled.has(id);
  }

  /** One line in the log for each service that becomes unhandled, not one for each call. */
  #announce(now: readonly UnhandledCalls[]): readonly UnhandledCalls[] {
    const before = new Set(this.#unhandled.map((each) => each.service));
    for (const { service } of now) {
      if (before.has(service)) continue;
      this.#options.log.info('a call waits: no handler', { service, code: 'HF_CALL_UNHANDLED' });
    }
    return now;
  }

  async #hold(id: string, call: PendingCall, executor: CallExecutor): Promise<void> {
    try {
      await this.#finish(call, await this.#execute(call, executor));
    } catch (error) {
      // Closing is no failure: the call stays pending and is executed after the next start.
      if (codeOf(error) !== 'HF_GATEWAY_CLOSED') {
        this.#options.log.error('the result of a call could not be recorded', {
          ...fieldsOf(call),
          ...describe(error, call),
        });
      }
    } finally {
      const wasFull = this.#held.size >= HELD_CALLS_MAX;
      this.#held.delete(id);
      this.#settled.add(id);
      if (wasFull) this.wake();
    }
  }

  async #execute(call: PendingCall, executor: CallExecutor): Promise<CallResult> {
    const { attempts, log } = this.#options;
    const slots = this.#slotsOf(call.service);
    try {
      const payload = await attempts.repeat(this.#policy, (number) =>
        slots.hold(() => this.#attempt(call, executor, number)),
      );
      return { kind: 'call.completed', payload };
    } catch (error) {
      if (codeOf(error) === 'HF_GATEWAY_CLOSED') throw error;
      log.info('a call failed for good', { ...fieldsOf(call), ...describe(error, call) });
      return { kind: 'call.failed', payload: encodeThrown(error) };
    }
  }

  async #attempt(call: PendingCall, executor: CallExecutor, number: number): Promise<Uint8Array> {
    const { attempts, clock, log } = this.#options;
    if (this.#state === 'closed') throw new HoldfastError('HF_GATEWAY_CLOSED');
    if (call.expiresAtMs > 0) checkExpiry(call, await this.#requestedAtMs(call), clock.nowMs());
    if (sealKindOf(call.input) !== undefined) {
      throw new HoldfastError('HF_VALUE_SEALED', { why: 'the input of the call is erased' });
    }
    try {
      return await attempts.within(this.#policy.timeoutMs, async (signal) => {
        const { key, device, run } = call;
        const traceparent = traceparentOf(call);
        const info = { idempotencyKey: key, device, run, attempt: number, traceparent, signal };
        const input = await wholeValue(this.#options, call, call.input);
        return executor({ ...call, input }, info);
      });
    } catch (error) {
      log.debug('an attempt failed', {
        ...fieldsOf(call),
        attempt: number,
        ...describe(error, call),
      });
      throw error;
    }
  }

  /** By the clock of this gateway; `undefined`: nobody knows. */
  async #requestedAtMs({ device, epoch, requested }: PendingCall): Promise<number | undefined> {
    const { clock, atMs } = trueTime(await this.#options.ledger.clocks(device, epoch), requested);
    return clock === 'unsynced' ? undefined : atMs;
  }

  async #finish(call: PendingCall, result: CallResult): Promise<void> {
    const { attempts, ledger, log, issued } = this.#options;
    const command = await attempts.repeat(recordPolicy, () => ledger.completeCall(call, result));
    if (command === undefined) return;
    log.debug('a call has its result', { ...fieldsOf(call), kind: result.kind });
    issued(call.device);
  }

  #slotsOf(service: string): Slots {
    const slots = this.#slots.get(service) ?? new Slots(this.#policy.concurrency);
    this.#slots.set(service, slots);
    return slots;
  }
}

/** Only what is one goes on: it becomes a header, and it came from a device. */
function traceparentOf({ traceparent }: PendingCall): string | undefined {
  return parseTraceparent(traceparent) === undefined ? undefined : traceparent;
}

function idOf(call: PendingCall): string {
  // The run's id is last: it may have any character.
  return `${call.device}/${call.epoch}/${call.op}/${call.run}`;
}

/** A call whose time is not known is taken: the device gives up on it by its own timer. */
function checkExpiry(call: PendingCall, requestedAtMs: number | undefined, nowMs: number): void {
  if (requestedAtMs === undefined) return;
  const expiresAtMs = requestedAtMs + call.expiresAtMs - call.requested.atMs;
  if (nowMs <= expiresAtMs + EXPIRY_GRACE_MS) return;
  const at = new Date(Math.min(expiresAtMs, 8.64e15)).toISOString();
  throw new HoldfastError('HF_CALL_TIMEOUT', { why: `it expired at ${at}` });
}

function checkPolicy(policy: HandlerPolicy): HandlerPolicy {
  for (const [name, value] of Object.entries(policy)) {
    const least = name === 'minDelayMs' || name === 'maxDelayMs' ? 0 : 1;
    if (typeof value !== 'number' || !(value >= least)) {
      throw new HoldfastError('HF_CONFIG_INVALID', { why: `${name} of handlers is ${value}` });
    }
  }
  return policy;
}

function fieldsOf(call: PendingCall): Readonly<Record<string, unknown>> {
  return { device: call.device, run: call.run, service: call.service, key: call.key };
}

function describe(
  error: unknown,
  { isPrivate }: Pick<PendingCall, 'isPrivate'> = { isPrivate: false },
): Readonly<Record<string, unknown>> {
  return { code: codeOf(error), why: isPrivate ? 'withheld' : messageOf(error) };
}
