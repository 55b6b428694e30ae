import type { Clock } from '@holdfast/protocol';
import type { PendingCall } from './call.ts';
import type { HandlerPolicy } from './handler-policy.ts';
import type { CallExecutor } from './handler-ports.ts';
import type { Breaker } from './service-gate.ts';
import { ServiceQueue } from './service-queue.ts';

/** A service and its calls, as they are in one gateway. */
export interface ServiceState {
  readonly service: string;
  /** Calls in hand: under way, waiting for their turn, or pausing after a failure. */
  readonly held: number;
  readonly running: number;
  /** Attempts that wait for their turn. */
  readonly waiting: number;
  readonly breaker: Breaker['kind'];
  /** For how long it is left alone yet; 0: it is not. */
  readonly pausedMs: number;
}

/**
 * Calls of a service in memory, each at most 56 KiB, those in a pause included. Failing ones that
 * fill it are parked in the end, and make room.
 */
const HELD_CALLS_MAX = 1_024;

/** The calls of a service that one gateway has in hand. */
export class HandledService {
  readonly name: string;
  readonly executor: CallExecutor;
  readonly policy: HandlerPolicy;
  readonly queue: ServiceQueue;
  /** By their identity. */
  readonly held = new Map<string, { readonly call: PendingCall; readonly end: Promise<void> }>();
  /** Those that ended while a look into the ledger was under way, which may still show them. */
  readonly settled = new Set<string>();
  /** Calls in the last look that others have. */
  elsewhere = 0;
  readonly #clock: Pick<Clock, 'monoMs'>;

  constructor(name: string, executor: CallExecutor, policy: HandlerPolicy, clock: Clock) {
    this.name = name;
    this.executor = executor;
    this.policy = policy;
    this.queue = new ServiceQueue(policy, clock);
    this.#clock = clock;
  }

  /** How many more it may have. */
  get room(): number {
    return HELD_CALLS_MAX - this.held.size;
  }

  /** Calls that a look meets before those that are new. */
  get known(): number {
    return this.held.size + this.elsewhere;
  }

  knows(call: PendingCall): boolean {
    const id = idOf(call);
    return this.held.has(id) || this.settled.has(id);
  }

  /** A call is no longer in hand. @returns Whether there was no room before. */
  release(call: PendingCall): boolean {
    const wasFull = this.room <= 0;
    const id = idOf(call);
    this.held.delete(id);
    this.settled.add(id);
    return wasFull;
  }

  state(): ServiceState {
    const { gate, waiting } = this.queue;
    const { breaker, heldUntilMs, running } = gate;
    const untilMs = Math.max(heldUntilMs, breaker.kind === 'open' ? breaker.untilMs : 0);
    const pausedMs = Math.max(0, untilMs - this.#clock.monoMs());
    const { name: service, held } = this;
    return { service, held: held.size, running, waiting, breaker: breaker.kind, pausedMs };
  }
}

export function idOf(call: PendingCall): string {
  // The run's id is last: it may have any character.
  return `${call.device}/${call.epoch}/${call.op}/${call.run}`;
}
