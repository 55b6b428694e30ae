import type { StoreOp } from '@holdfast/protocol';
import type { DeviceTime } from './device-time.ts';
import { periodOf, standOf, type LinkGate, type LinkPlan } from './link-plan.ts';
import { layout } from './run-store.ts';

export interface LinkMeterOptions {
  readonly plan: LinkPlan;
  readonly clock: Pick<DeviceTime, 'nowMs' | 'source'>;
  /** What was used by an earlier process. */
  readonly used: { readonly sinceMs: number; readonly bytes: number };
  /** Writes with the next commit, or makes one. */
  readonly save: (ops: readonly StoreOp[]) => void;
}

/** What people are told of a link that costs. */
export interface MeterView {
  readonly isOpen: boolean;
  /** Of this day or month; 0 without a budget. */
  readonly usedBytes: number;
  readonly budgetBytes: number | null;
  readonly per: 'day' | 'month' | null;
  /** When it closes, or opens, of itself; `null`: never. */
  readonly changesAt: string | null;
}

/** Bytes that a power cut may take from the count: to write it costs flash. */
const SAVE_EVERY_BYTES = 64 * 1024;

/** Names of the rows that the count is in. */
export const meterRows = { since: 'link since', bytes: 'link bytes' } as const;

/**
 * Says when a link that costs may be used, and counts what it carries. Where nobody knows the time
 * it is open: how else should the device hear it.
 */
export class LinkMeter {
  readonly #options: LinkMeterOptions;
  #sinceMs: number;
  #bytes: number;
  #saved: number;

  constructor(options: LinkMeterOptions) {
    this.#options = options;
    this.#sinceMs = options.used.sinceMs;
    this.#bytes = options.used.bytes;
    this.#saved = this.#bytes;
  }

  /** What may be sent now, when the urgent lane has something or not. */
  gate(isUrgentPending: boolean): LinkGate {
    const { clock, plan } = this.#options;
    if (clock.source === 'none' || this.#stand().isOpen) return 'all';
    return isUrgentPending && plan.isUrgentExcepted ? 'urgent' : 'none';
  }

  /** How long it stays like this, ms; infinite: until something else changes. */
  changesInMs(): number {
    return Math.max(1, this.#stand().changesAtMs - this.#options.clock.nowMs());
  }

  /** So many bytes went over the link, either way. */
  count(bytes: number): void {
    this.#turn();
    this.#bytes += bytes;
    if (this.#bytes - this.#saved >= SAVE_EVERY_BYTES) this.save();
  }

  /** What was counted is to survive. */
  save(): void {
    if (this.#options.plan.budget === undefined || this.#bytes === this.#saved) return;
    this.#saved = this.#bytes;
    this.#options.save([
      layout.meta(meterRows.since, this.#sinceMs),
      layout.meta(meterRows.bytes, this.#bytes),
    ]);
  }

  view(): MeterView {
    const { budget } = this.#options.plan;
    const { isOpen, changesAtMs } = this.#stand();
    return {
      isOpen,
      usedBytes: budget === undefined ? 0 : this.#bytes,
      budgetBytes: budget?.bytes ?? null,
      per: budget?.per ?? null,
      changesAt: Number.isFinite(changesAtMs) ? new Date(changesAtMs).toISOString() : null,
    };
  }

  #stand() {
    this.#turn();
    const { plan, clock } = this.#options;
    return standOf(plan, this.#bytes, clock.nowMs());
  }

  /** A new day or month begins at nothing; a clock that is set back does not. */
  #turn(): void {
    const { plan, clock } = this.#options;
    if (plan.budget === undefined || clock.source === 'none') return;
    const { beganMs } = periodOf(plan.budget.per, clock.nowMs());
    if (beganMs <= this.#sinceMs) return;
    // What an earlier period has used is of no interest any more.
    [this.#sinceMs, this.#bytes, this.#saved] = [beganMs, 0, 0];
  }
}
