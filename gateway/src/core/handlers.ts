import {
  checkName,
  codeOf,
  encodeThrown,
  HoldfastError,
  messageOf,
  sealKindOf,
  type Clock,
  type Log,
  type Sha256,
} from '@holdfast/protocol';
import type { CallResult, PendingCall } from './call.ts';
import { trueTime } from './device-clock.ts';
import type { GatewayMeter } from './gateway-meter.ts';
import { isPermanent } from './handler-failure.ts';
import { completePolicy, type HandlerPolicy } from './handler-policy.ts';
import {
  InTransaction,
  type Attempts,
  type CallExecutor,
  type HandlerInfo,
  type RepeatPolicy,
} from './handler-ports.ts';
import { HandlerTracing } from './handler-tracing.ts';
import { HandledService, idOf, type ServiceState } from './handled-service.ts';
import type { Ledger } from './ledger.ts';
import { wholeValue } from './whole-value.ts';

export interface HandlerRunnerOptions {
  readonly ledger: HandlersLedger;
  /** What this one is known by among those that execute calls of one ledger. Default: alone. */
  readonly owner?: string | undefined;
  readonly sha256: Sha256;
  readonly attempts: Attempts;
  readonly clock: Clock;
  readonly log: Log;
  /** Counts. Default: nobody does. */
  readonly meter?: Pick<GatewayMeter, 'attempted'> | undefined;
  /** Called after the result of a call of this device has become durable in the ledger. */
  readonly issued: (device: string) => void;
  /** Default: calls bring their place in a trace to the handler, and no span is made. */
  readonly tracing?: HandlerTracing | undefined;
  /** Of services that have none of their own. */
  readonly policy?: Partial<HandlerPolicy> | undefined;
}

export type HandlersLedger = Pick<
  Ledger,
  | 'pendingCalls'
  | 'callServices'
  | 'claimCalls'
  | 'completeCall'
  | 'completeCallWith'
  | 'parkCall'
  | 'clocks'
  | 'entries'
>;

/** Pending calls of a service that has no handler. */
export interface UnhandledCalls {
  readonly service: string;
  /** At most 1,000: there may be more. */
  readonly calls: number;
  readonly oldestAtMs: number;
}

/** Calls that one look into the ledger takes of a service beyond those that are known. */
const SCAN_CALLS = 256;
/** Calls without a handler are counted up to here. */
const UNHANDLED_MAX = 1_000;
/** The device's clock may be a little off, and a result that is on its way still helps. */
const EXPIRY_GRACE_MS = 60_000;
/** Others leave a call to the one that claimed it for so long, by the clock of the ledger. */
const CLAIM_MS = 6_000;
/** How often claims are renewed, and calls looked for that another one has left behind. */
const KEEP_MS = 1_500;
/** Pause after the ledger could not be read. */
const LEDGER_PAUSE_MS = 5_000;
/** The ledger may be busy mending itself; what a handler has done is not thrown away for that. */
const recordPolicy: RepeatPolicy = {
  attempts: Number.POSITIVE_INFINITY,
  minDelayMs: 1_000,
  maxDelayMs: 60_000,
};

/** How the attempts at a call ended. */
type Outcome =
  | { readonly kind: 'result'; readonly result: CallResult }
  /** The handler has recorded it itself. */
  | { readonly kind: 'recorded'; readonly isNew: boolean }
  | { readonly kind: 'exhausted'; readonly error: unknown; readonly attempts: number };

/**
 * Executes the calls of devices: takes pending ones from the ledger, runs each with the handler of
 * its service, and records how it ended. A call is pending in the ledger until then, so one that a
 * crash interrupts is executed again, with the same idempotency key.
 *
 * Services do not wait for each other: each has its own calls in hand and its own gate. A call
 * holds a place at the gate during an attempt only, not during the pause after it: calls that keep
 * failing stop none of the others, and are parked when their attempts are used up.
 */
export class HandlerRunner {
  readonly #options: HandlerRunnerOptions;
  readonly #tracing: HandlerTracing;
  readonly #services = new Map<string, HandledService>();
  #unhandled: readonly UnhandledCalls[] = [];
  #state: 'open' | 'closed' = 'open';
  #wanted = false;
  #scan: Promise<void> | undefined;
  #cancelPause: (() => void) | undefined;
  #cancelKeep: () => void = () => {};

  constructor(options: HandlerRunnerOptions) {
    this.#options = options;
    this.#tracing = options.tracing ?? noTracing(options);
    completePolicy(options.policy);
    if (options.owner !== undefined) this.#keepLater();
  }

  /**
   * Has calls of this service executed from now on, those that wait already included.
   *
   * @param policy What is not said of this service is as for all.
   * @throws HF_NAME_INVALID; HF_CONFIG_INVALID when the service has a handler, or for a policy that
   *   cannot be kept.
   */
  register(service: string, executor: CallExecutor, policy?: Partial<HandlerPolicy>): void {
    checkName('service', service);
    if (this.#services.has(service)) {
      throw new HoldfastError('HF_CONFIG_INVALID', { why: `${service} has two handlers` });
    }
    const complete = completePolicy({ ...this.#options.policy, ...policy });
    const { clock } = this.#options;
    this.#services.set(service, new HandledService(service, executor, complete, clock));
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

  /** The services that have a handler here, and how they are. */
  services(): readonly ServiceState[] {
    return Array.from(this.#services.values(), (service) => service.state());
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
    for (const { queue } of this.#services.values()) queue.close();
    await this.#scan;
    const held = this.#held();
    await Promise.all(held.map(({ end }) => end));
    // Nobody has to wait for what this one leaves.
    await this.#claim(
      held.map(({ call }) => call),
      0,
    ).catch(() => []);
  }

  #held() {
    return [...this.#services.values()].flatMap(({ held }) => [...held.values()]);
  }

  async #look(): Promise<void> {
    await undefined; // Let every wake of this turn join.
    try {
      while (this.#wanted && this.#state === 'open') {
        this.#wanted = false;
        for (const { settled } of this.#services.values()) settled.clear();
        const services = await this.#options.ledger.callServices('pending');
        const unhandled: UnhandledCalls[] = [];
        for (const name of services) {
          const service = this.#services.get(name);
          // One after another: a look shares the ledger with batches that come in.
          if (service === undefined) unhandled.push(await this.#count(name));
          else await this.#take(service);
        }
        this.#announce(unhandled);
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
    const held = this.#held().map(({ call }) => call);
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

  async #count(service: string): Promise<UnhandledCalls> {
    const calls = await this.#options.ledger.pendingCalls(UNHANDLED_MAX, service);
    const oldestAtMs = calls[0]?.requested.atMs ?? 0;
    return { service, calls: calls.length, oldestAtMs };
  }

  /** Takes calls of a service in hand, the oldest first, as many as it may have. */
  async #take(service: HandledService): Promise<void> {
    while (service.room > 0 && this.#state === 'open') {
      const limit = service.known + SCAN_CALLS;
      const calls = await this.#options.ledger.pendingCalls(limit, service.name);
      const wanted = calls.filter((call) => !service.knows(call)).slice(0, service.room);
      const own = await this.#claim(wanted, CLAIM_MS);
      service.elsewhere = wanted.length - own.length;
      for (const call of own) this.#begin(service, call);
      if (calls.length < limit) return;
    }
  }

  #begin(service: HandledService, call: PendingCall): void {
    if (service.knows(call) || this.#state !== 'open') return;
    service.held.set(idOf(call), { call, end: this.#hold(service, call) });
  }

  /** One line in the log for each service that becomes unhandled, not one for each call. */
  #announce(now: readonly UnhandledCalls[]): void {
    const before = new Set(this.#unhandled.map((each) => each.service));
    for (const { service } of now) {
      if (before.has(service)) continue;
      this.#options.log.info('a call waits: no handler', { service, code: 'HF_CALL_UNHANDLED' });
    }
    this.#unhandled = now;
  }

  async #hold(service: HandledService, call: PendingCall): Promise<void> {
    try {
      await this.#finish(call, await this.#execute(service, call));
    } catch (error) {
      // Closing is no failure: the call stays pending and is executed after the next start.
      if (codeOf(error) !== 'HF_GATEWAY_CLOSED') {
        this.#options.log.error('the result of a call could not be recorded', {
          ...fieldsOf(call),
          ...describe(error, call),
        });
      }
    } finally {
      if (service.release(call)) this.wake();
    }
  }

  async #execute(service: HandledService, call: PendingCall): Promise<Outcome> {
    const { policy, queue } = service;
    let made = 0;
    try {
      return await this.#options.attempts.repeat(policy, (number) => {
        made = number;
        return queue.pass(idOf(call), () => this.#attempt(service, call, number));
      });
    } catch (error) {
      if (codeOf(error) === 'HF_GATEWAY_CLOSED') throw error;
      if (!isPermanent(error) && policy.exhausted === 'park') {
        return { kind: 'exhausted', error, attempts: made };
      }
      this.#options.log.info('a call failed for good', {
        ...fieldsOf(call),
        ...describe(error, call),
      });
      return { kind: 'result', result: { kind: 'call.failed', payload: encodeThrown(error) } };
    }
  }

  async #attempt(service: HandledService, call: PendingCall, number: number): Promise<Outcome> {
    const { attempts, clock, log, meter } = this.#options;
    if (this.#state === 'closed') throw new HoldfastError('HF_GATEWAY_CLOSED');
    if (call.expiresAtMs > 0) checkExpiry(call, await this.#requestedAtMs(call), clock.nowMs());
    if (sealKindOf(call.input) !== undefined) {
      throw new HoldfastError('HF_VALUE_SEALED', { why: 'the input of the call is erased' });
    }
    const sinceMs = clock.monoMs();
    const traced = this.#tracing.begin(call, number);
    const ended = (failure?: { readonly error: unknown }): void => {
      meter?.attempted(service.name, failure === undefined, clock.monoMs() - sinceMs);
      traced.end(failure);
    };
    try {
      const done = await attempts.within(service.policy.timeoutMs, async (signal) => {
        const input = await wholeValue(this.#options, call, call.input);
        const info = infoOf(call, number, { signal, traceparent: traced.traceparent });
        const outcome = await traced.within(() => service.executor({ ...call, input }, info));
        if (outcome instanceof InTransaction) return this.#transact(call, outcome, signal);
        return { kind: 'result', result: { kind: 'call.completed', payload: outcome } } as const;
      });
      ended();
      return done;
    } catch (error) {
      ended({ error });
      log.debug('an attempt failed', {
        ...fieldsOf(call),
        attempt: number,
        ...describe(error, call),
      });
      throw error;
    }
  }

  /** Records a result together with what the handler writes. */
  async #transact(
    call: PendingCall,
    { body }: InTransaction<Uint8Array>,
    signal: AbortSignal,
  ): Promise<Outcome> {
    const command = await this.#options.ledger.completeCallWith(call, async (sql) => {
      const payload = await body(sql);
      // Whoever waited has gone: another attempt may be on its way.
      if (signal.aborted) throw new HoldfastError('HF_HANDLER_TIMEOUT');
      return { kind: 'call.completed', payload };
    });
    return { kind: 'recorded', isNew: command !== undefined };
  }

  /** By the clock of this gateway; `undefined`: nobody knows. */
  async #requestedAtMs({ device, epoch, requested }: PendingCall): Promise<number | undefined> {
    const { clock, atMs } = trueTime(await this.#options.ledger.clocks(device, epoch), requested);
    return clock === 'unsynced' ? undefined : atMs;
  }

  async #finish(call: PendingCall, outcome: Outcome): Promise<void> {
    if (outcome.kind === 'exhausted') return this.#park(call, outcome);
    const { attempts, ledger, log, issued } = this.#options;
    if (outcome.kind === 'result') {
      const { result } = outcome;
      const command = await attempts.repeat(recordPolicy, () => ledger.completeCall(call, result));
      if (command === undefined) return;
    } else if (!outcome.isNew) return;
    log.debug('a call has its result', fieldsOf(call));
    issued(call.device);
  }

  async #park(call: PendingCall, { error, attempts }: Outcome & { kind: 'exhausted' }) {
    const { code = '', why } = describe(error, call);
    const parking = { atMs: this.#options.clock.nowMs(), attempts, code, why };
    await this.#options.attempts.repeat(recordPolicy, () =>
      this.#options.ledger.parkCall(call, parking),
    );
    this.#options.log.error('a call is parked: its handler failed in every attempt', {
      ...fieldsOf(call),
      ...{ attempts, code, why },
    });
  }
}

function noTracing({ clock, log }: HandlerRunnerOptions): HandlerTracing {
  return new HandlerTracing({ clock, log, randomBytes: (length) => new Uint8Array(length) });
}

function infoOf(
  call: PendingCall,
  attempt: number,
  more: Pick<HandlerInfo, 'signal' | 'traceparent'>,
): HandlerInfo {
  const { key: idempotencyKey, device, run } = call;
  return {
    ...{ idempotencyKey, device, run, attempt, ...more },
    inTransaction: (body) => new InTransaction(body),
  };
}

/** A call whose time is not known is taken: the device gives up on it by its own timer. */
function checkExpiry(call: PendingCall, requestedAtMs: number | undefined, nowMs: number): void {
  if (requestedAtMs === undefined) return;
  const expiresAtMs = requestedAtMs + call.expiresAtMs - call.requested.atMs;
  if (nowMs <= expiresAtMs + EXPIRY_GRACE_MS) return;
  const at = new Date(Math.min(expiresAtMs, 8.64e15)).toISOString();
  throw new HoldfastError('HF_CALL_TIMEOUT', { why: `it expired at ${at}` });
}

function fieldsOf(call: PendingCall): Readonly<Record<string, unknown>> {
  return { device: call.device, run: call.run, service: call.service, key: call.key };
}

/** A parked call keeps so much of why, in characters. */
const WHY_LENGTH_MAX = 1_000;

function describe(
  error: unknown,
  { isPrivate }: Pick<PendingCall, 'isPrivate'> = { isPrivate: false },
): { readonly code: string | undefined; readonly why: string } {
  const why = isPrivate ? 'withheld' : messageOf(error).slice(0, WHY_LENGTH_MAX);
  return { code: codeOf(error), why };
}
