import type { Clock } from '@holdfast/protocol';

interface Wake {
  readonly atMs: number;
  /** Of those of one moment, the one that was asked for first comes first. */
  readonly order: number;
  /** `undefined` once it is called off. */
  wake: (() => void) | undefined;
}

/** When a virtual world begins: 2026-01-01T00:00Z. */
export const WORLD_BEGINS_AT_MS = Date.UTC(2026, 0, 1);

/**
 * Less is lost when it is added to a time of days, and a clock that drifts has such rests: whoever
 * waits for them would be woken at the same moment for ever.
 */
const PASSES_MS = 0.001;

/**
 * The true time of a virtual world, from 0, in ms. It stands still while something happens, and
 * goes on to the next thing that is due.
 */
export class VirtualTime implements Clock {
  #nowMs = 0;
  #order = 0;
  /** A heap: no wake is due before the one at half its place. */
  readonly #heap: Wake[] = [];

  /** Wall time at its begin. */
  readonly beganAtMs = WORLD_BEGINS_AT_MS;

  nowMs(): number {
    return Math.floor(WORLD_BEGINS_AT_MS + this.#nowMs);
  }

  monoMs(): number {
    return this.#nowMs;
  }

  wakeIn(delayMs: number, wake: () => void): () => void {
    const atMs = this.#nowMs + (delayMs > 0 ? Math.max(PASSES_MS, delayMs) : 0);
    if (atMs === Number.POSITIVE_INFINITY) return () => {};
    const entry: Wake = { atMs, order: this.#order, wake };
    this.#order += 1;
    this.#push(entry);
    return () => (entry.wake = undefined);
  }

  /** When the next thing is due; `undefined`: never. */
  get nextAtMs(): number | undefined {
    while (this.#heap[0] !== undefined && this.#heap[0].wake === undefined) this.#pop();
    return this.#heap[0]?.atMs;
  }

  /** Goes on to the next thing that is due, and begins it. */
  step(): void {
    if (this.nextAtMs === undefined) return;
    const next = this.#pop();
    if (next?.wake === undefined) return;
    this.#nowMs = next.atMs;
    const { wake } = next;
    next.wake = undefined;
    wake();
  }

  /** Nothing was due until then. */
  passTo(atMs: number): void {
    this.#nowMs = Math.max(this.#nowMs, atMs);
  }

  #push(entry: Wake): void {
    const heap = this.#heap;
    let at = heap.length;
    heap.push(entry);
    while (at > 0) {
      const above = (at - 1) >> 1;
      const parent = heap[above];
      if (parent === undefined || !isBefore(entry, parent)) break;
      heap[at] = parent;
      at = above;
    }
    heap[at] = entry;
  }

  #pop(): Wake | undefined {
    const heap = this.#heap;
    const first = heap[0];
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return first;
    let at = 0;
    for (;;) {
      let below = 2 * at + 1;
      const [left, right] = [heap[below], heap[below + 1]];
      if (left === undefined) break;
      if (right !== undefined && isBefore(right, left)) below += 1;
      const child = heap[below];
      if (child === undefined || !isBefore(child, last)) break;
      heap[at] = child;
      at = below;
    }
    heap[at] = last;
    return first;
  }
}

function isBefore(a: Wake, b: Wake): boolean {
  return a.atMs < b.atMs || (a.atMs === b.atMs && a.order < b.order);
}

/** Only for faults that are planted. */
export interface ClockBug {
  /** How fast monotonic time passes. */
  readonly monotonicRate?: number;
  /** It is the wall clock, whatever that is set to. */
  readonly isMonotonicSet?: boolean;
  /** What is due while a process is stopped never comes. */
  readonly isDueForgotten?: boolean;
}

/** The clock of one machine: its wall time may be wrong, what is due is due by true time. */
export class MachineClock implements Clock {
  readonly #world: Clock;
  readonly #bug: ClockBug;
  /** Wall time minus true time, but for what has drifted. */
  offsetMs = 0;
  /** How often the machine has been switched off and on. */
  boots = 0;
  /** When this boot began, true time. */
  beganMs = 0;
  #drift = { rate: 0, sinceMs: 0 };

  constructor(world: Clock, bug: ClockBug = {}) {
    this.#world = world;
    this.#bug = bug;
  }

  nowMs(): number {
    const { rate, sinceMs } = this.#drift;
    const driftedMs = rate * (this.#world.monoMs() - sinceMs);
    return Math.max(0, Math.floor(this.#world.nowMs() + this.offsetMs + driftedMs));
  }
  monoMs(): number {
    const { monotonicRate = 1, isMonotonicSet } = this.#bug;
    if (isMonotonicSet === true) return this.nowMs() - WORLD_BEGINS_AT_MS - this.beganMs;
    return (this.#world.monoMs() - this.beganMs) * monotonicRate;
  }
  wakeIn(delayMs: number, wake: () => void): () => void {
    return this.#world.wakeIn(delayMs / (this.#bug.monotonicRate ?? 1), wake);
  }

  /** The machine is switched off and on: its monotonic time begins anew. */
  reboot(): void {
    this.boots += 1;
    this.beganMs = this.#world.monoMs();
  }

  /** From now on its wall time runs ahead by this part; 0: it is right again. */
  drift(rate: number): void {
    this.#drift = { rate, sinceMs: this.#world.monoMs() };
  }
}

/** A clock as one process sees it: what it asked for never comes once it is dead. */
export class ProcessClock implements Clock {
  readonly #machine: Clock;
  readonly #bug: ClockBug;
  isDead = false;
  /** What came due while the process was stopped. */
  #held: (() => void)[] | undefined;

  constructor(machine: Clock, bug: ClockBug = {}) {
    this.#machine = machine;
    this.#bug = bug;
  }

  nowMs(): number {
    return this.#machine.nowMs();
  }
  monoMs(): number {
    return this.#machine.monoMs();
  }
  wakeIn(delayMs: number, wake: () => void): () => void {
    let isOff = false;
    const come = (): void => {
      if (this.isDead || isOff) return;
      if (this.#held === undefined) wake();
      else this.#held.push(come);
    };
    const cancel = this.#machine.wakeIn(delayMs, come);
    return () => {
      isOff = true;
      cancel();
    };
  }

  get isPaused(): boolean {
    return this.#held !== undefined;
  }

  die(): void {
    this.isDead = true;
  }

  /** As SIGSTOP: until `resume`, nothing that is due comes. */
  pause(): void {
    this.#held ??= [];
  }

  resume(): void {
    const held = this.#held ?? [];
    this.#held = undefined;
    if (this.#bug.isDueForgotten === true) return;
    for (const come of held) come();
  }
}
