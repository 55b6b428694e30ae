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
    const atMs = this.#nowMs + Math.max(0, delayMs);
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

/** The clock of one machine: its wall time may be wrong, what is due is due by true time. */
export class MachineClock implements Clock {
  readonly #world: Clock;
  readonly #rate: number;
  /** Wall time minus true time, but for what has drifted. */
  offsetMs = 0;
  #drift = { rate: 0, sinceMs: 0 };

  /** @param rate Of its monotonic time; other than 1 only for a fault that is planted. */
  constructor(world: Clock, rate = 1) {
    this.#world = world;
    this.#rate = rate;
  }

  nowMs(): number {
    const { rate, sinceMs } = this.#drift;
    const driftedMs = rate * (this.#world.monoMs() - sinceMs);
    return Math.max(0, Math.floor(this.#world.nowMs() + this.offsetMs + driftedMs));
  }
  monoMs(): number {
    return this.#world.monoMs() * this.#rate;
  }
  wakeIn(delayMs: number, wake: () => void): () => void {
    return this.#world.wakeIn(delayMs / this.#rate, wake);
  }

  /** From now on its wall time runs ahead by this part; 0: it is right again. */
  drift(rate: number): void {
    this.#drift = { rate, sinceMs: this.#world.monoMs() };
  }
}

/** A clock as one process sees it: what it asked for never comes once it is dead. */
export class ProcessClock implements Clock {
  readonly #machine: Clock;
  isDead = false;
  /** What came due while the process was stopped. */
  #held: (() => void)[] | undefined;

  constructor(machine: Clock) {
    this.#machine = machine;
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
    for (const come of held) come();
  }
}
