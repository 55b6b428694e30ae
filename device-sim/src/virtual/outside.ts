import type { Clock } from '@holdfast/protocol';
import type { AgentLife } from './sim-agent.ts';

/** An attempt of a step's body, as the world outside saw it. */
export interface Deed {
  readonly device: string;
  readonly machine: string;
  readonly run: string;
  readonly step: string;
  readonly key: string;
  readonly atMs: number;
}

/**
 * What is outside of devices and gateways and never forgets: a payment service, a stock, and a
 * witness of every attempt and every waking.
 */
export class Outside {
  /** Charges by order, each by the keys it was made with. */
  readonly charges = new Map<string, Set<string>>();
  /** What handlers were asked for, by idempotency key. */
  readonly calls = new Map<string, number>();
  readonly naps: { readonly run: string; readonly dueMs: number; readonly wokeMs: number }[] = [];
  /** True time. */
  readonly time: Clock;
  deeds = 0;
  /** Bodies and handlers that threw, and handlers that never answered. */
  failed = 0;
  hung = 0;
  /** Results for calls that had one. */
  secondAnswers = 0;
  /** Told of each body that begins. */
  onDeed: (deed: Deed) => void = () => {};

  constructor(time: Clock) {
    this.time = time;
  }

  /** A body begins, unless its process is dead. */
  begins(life: AgentLife, deed: Omit<Deed, 'device' | 'machine' | 'atMs'>): void {
    if (!life.isAlive) return;
    this.deeds += 1;
    const { device, machine } = life;
    this.onDeed({ ...deed, device, machine, atMs: this.time.monoMs() });
  }

  /** Charges a card once for each key. */
  charge(order: string, key: string): void {
    const keys = this.charges.get(order) ?? new Set();
    this.charges.set(order, keys.add(key));
  }
}
