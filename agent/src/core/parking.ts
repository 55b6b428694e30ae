import type { Clock, StoreOp } from '@holdfast/protocol';
import type { Journal } from './journal.ts';
import type { Residents } from './residents.ts';
import type { Run } from './run.ts';
import { recordOf } from './run-journal.ts';
import { layout } from './run-store.ts';
import type { States } from './states.ts';
import type { RunState } from './views.ts';

/** A run that has only waited for this long is noted as waiting. */
const PARK_AFTER_MS = 1_000;
/** Waiting runs that stay in memory, so that short waits cost no replay. */
const WAITING_RESIDENTS_MAX = 256;

export interface ParkingParts {
  readonly clock: Clock;
  readonly journal: Journal;
  readonly residents: Residents;
  readonly states: States;
}

/** Puts runs away that only wait: into the store, then, when many wait, out of memory. */
export class Parking {
  readonly #parts: ParkingParts;
  /** Waiting runs, longest first, with the length of their history when they began to wait. */
  readonly #waiting = new Map<Run, { readonly sinceMs: number; readonly n: number }>();
  #cancelSweep: (() => void) | undefined;

  constructor(parts: ParkingParts) {
    this.#parts = parts;
  }

  add(run: Run): void {
    this.#waiting.delete(run);
    this.#waiting.set(run, { sinceMs: this.#parts.clock.monoMs(), n: run.n });
    this.#schedule();
  }

  close(): void {
    this.#cancelSweep?.();
    this.#cancelSweep = undefined;
    this.#waiting.clear();
  }

  #schedule(): void {
    this.#cancelSweep ??= this.#parts.clock.wakeIn(PARK_AFTER_MS, () => {
      this.#cancelSweep = undefined;
      void this.#sweep().catch(() => undefined);
    });
  }

  async #sweep(): Promise<void> {
    const { clock, journal, states } = this.#parts;
    const old = clock.monoMs() - PARK_AFTER_MS / 2;
    const ops: StoreOp[] = [];
    const parked: Run[] = [];
    for (const [run, { sinceMs, n }] of this.#waiting) {
      if (run.closed || run.n !== n || !run.isWaiting()) this.#waiting.delete(run);
      else if (sinceMs <= old && !run.parked) {
        const { state } = run.standing();
        states.set(run.facts.number, state);
        ops.push(...parkOps(run, state));
        // What wakes it from now on says so in its own commit, behind this one.
        run.parked = true;
        parked.push(run);
      }
    }
    if (ops.length > 0) await journal.append([], () => ops);
    this.#evictOldest();
    if ([...this.#waiting.keys()].some((run) => !run.parked)) this.#schedule();
  }

  #evictOldest(): void {
    for (const [run, { n }] of this.#waiting) {
      if (this.#waiting.size <= WAITING_RESIDENTS_MAX) return;
      if (!run.parked) continue;
      this.#waiting.delete(run);
      if (!run.closed && run.n === n && run.isWaiting()) this.#parts.residents.evict(run);
    }
  }
}

function parkOps(run: Run, state: RunState): StoreOp[] {
  const { number } = run.facts;
  const timers = run
    .open()
    .filter((op) => op.due !== undefined)
    .map((op) => layout.timer(number, op.number, op.due));
  return [layout.openRecord(number, recordOf(run, state)), ...timers];
}
