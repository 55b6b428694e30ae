/** What there is of a timer. */
export interface DueTimer {
  readonly run: number;
  readonly op: number;
}

const NONE = -1;
const SLOTS_FIRST = 64;

/**
 * Timers, the one that is due next first. A binary heap of slots; a slot is one place in columns of
 * numbers, and slots whose runs have the same remainder are chained, so that a timer is found by
 * its run. A hundred thousand cost 4 MiB, and the garbage collector nothing.
 */
export class TimerHeap {
  #run = new Float64Array(SLOTS_FIRST);
  #op = new Uint32Array(SLOTS_FIRST);
  #dueMs = new Float64Array(SLOTS_FIRST);
  /** 1: when it is due may become known better. */
  #follows = new Uint8Array(SLOTS_FIRST);
  /** The next slot of the same chain; of a free slot, the next free one. */
  #next = new Int32Array(SLOTS_FIRST).fill(NONE);
  /** Where the slot is in the heap. */
  #place = new Int32Array(SLOTS_FIRST);
  #heap = new Int32Array(SLOTS_FIRST);
  /** First slot of each chain. */
  #chains = new Int32Array(SLOTS_FIRST).fill(NONE);
  #size = 0;
  #used = 0;
  #free = NONE;

  get size(): number {
    return this.#size;
  }

  /** Timers that there is room for. */
  get slots(): number {
    return this.#heap.length;
  }

  /** When the first is due; infinite: there is none. */
  get nextMs(): number {
    return this.#size === 0 ? Number.POSITIVE_INFINITY : this.#due(this.#at(0));
  }

  /** Adds the timer of an operation, or moves it. */
  set(run: number, op: number, dueMs: number, follows = false): void {
    let slot = this.#find(run, op);
    if (slot === NONE) {
      slot = this.#takeSlot();
      this.#run[slot] = run;
      this.#op[slot] = op;
      this.#next[slot] = this.#chains[this.#chainOf(run)] ?? NONE;
      this.#chains[this.#chainOf(run)] = slot;
      this.#put(this.#size, slot);
      this.#size += 1;
    }
    this.#dueMs[slot] = dueMs;
    this.#follows[slot] = follows ? 1 : 0;
    this.#settle(slot);
  }

  delete(run: number, op: number): void {
    const slot = this.#find(run, op);
    if (slot !== NONE) this.#remove(slot);
  }

  /** Whether there is this timer, set as one that follows. */
  isFollowing(run: number, op: number): boolean {
    const slot = this.#find(run, op);
    return slot !== NONE && this.#follows[slot] === 1;
  }

  /** Removes and returns the first timer that is due; `undefined`: none is. */
  take(nowMs: number): DueTimer | undefined {
    if (this.nextMs > nowMs) return undefined;
    const slot = this.#at(0);
    const timer = { run: this.#run[slot] ?? 0, op: this.#op[slot] ?? 0 };
    this.#remove(slot);
    return timer;
  }

  #at(place: number): number {
    return this.#heap[place] ?? NONE;
  }

  #due(slot: number): number {
    return this.#dueMs[slot] ?? Number.POSITIVE_INFINITY;
  }

  #put(place: number, slot: number): void {
    this.#heap[place] = slot;
    this.#place[slot] = place;
  }

  #chainOf(run: number): number {
    return run % this.#chains.length;
  }

  #find(run: number, op: number): number {
    let slot = this.#chains[this.#chainOf(run)] ?? NONE;
    while (slot !== NONE && (this.#run[slot] !== run || this.#op[slot] !== op)) {
      slot = this.#next[slot] ?? NONE;
    }
    return slot;
  }

  #remove(slot: number): void {
    this.#unchain(slot);
    this.#next[slot] = this.#free;
    this.#free = slot;
    this.#size -= 1;
    const last = this.#at(this.#size);
    if (last === slot) return;
    // The last of the heap takes its place.
    this.#put(this.#place[slot] ?? 0, last);
    this.#settle(last);
  }

  #unchain(slot: number): void {
    const next = this.#next[slot] ?? NONE;
    const chain = this.#chainOf(this.#run[slot] ?? 0);
    if (this.#chains[chain] === slot) {
      this.#chains[chain] = next;
      return;
    }
    let before = this.#chains[chain] ?? NONE;
    while (this.#next[before] !== slot) before = this.#next[before] ?? NONE;
    this.#next[before] = next;
  }

  /** Moves a slot up or down the heap to where it belongs. */
  #settle(slot: number): void {
    const dueMs = this.#due(slot);
    let place = this.#place[slot] ?? 0;
    while (place > 0) {
      const above = (place - 1) >> 1;
      if (this.#due(this.#at(above)) <= dueMs) break;
      this.#put(place, this.#at(above));
      place = above;
    }
    for (let below = this.#sooner(place); below < this.#size; below = this.#sooner(place)) {
      if (this.#due(this.#at(below)) >= dueMs) break;
      this.#put(place, this.#at(below));
      place = below;
    }
    this.#put(place, slot);
  }

  /** The one of the two places below this one that is due sooner. */
  #sooner(place: number): number {
    const left = 2 * place + 1;
    const right = left + 1;
    return right < this.#size && this.#due(this.#at(right)) < this.#due(this.#at(left))
      ? right
      : left;
  }

  #takeSlot(): number {
    const slot = this.#free;
    if (slot !== NONE) {
      this.#free = this.#next[slot] ?? NONE;
      return slot;
    }
    if (this.#used === this.#heap.length) this.#grow();
    this.#used += 1;
    return this.#used - 1;
  }

  #grow(): void {
    const length = 2 * this.#heap.length;
    this.#run = filled(new Float64Array(length), this.#run);
    this.#op = filled(new Uint32Array(length), this.#op);
    this.#dueMs = filled(new Float64Array(length), this.#dueMs);
    this.#follows = filled(new Uint8Array(length), this.#follows);
    this.#place = filled(new Int32Array(length), this.#place);
    this.#heap = filled(new Int32Array(length), this.#heap);
    this.#next = new Int32Array(length).fill(NONE);
    this.#chains = new Int32Array(length).fill(NONE);
    // Grown only when every slot is in use.
    for (let slot = 0; slot < this.#used; slot += 1) {
      const chain = this.#chainOf(this.#run[slot] ?? 0);
      this.#next[slot] = this.#chains[chain] ?? NONE;
      this.#chains[chain] = slot;
    }
  }
}

function filled<T extends Float64Array | Uint32Array | Int32Array | Uint8Array>(
  column: T,
  from: T,
): T {
  column.set(from);
  return column;
}
