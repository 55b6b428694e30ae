import type { Clock } from '@holdfast/protocol';
import { LATE_MS } from './lateness.ts';

export interface ReportShedOptions {
  readonly clock: Pick<Clock, 'monoMs'>;
  /** How late this process is with its work. */
  readonly lateMs: () => number;
  /** How often devices report. */
  readonly everyMs: number;
}

/** A device counts as offline after four reports that did not come. */
const EVERY = 2.5;
/** Ids that are remembered. */
const DEVICES_MAX = 100_000;

/**
 * Leaves reports unread while a gateway has more to do than it can. Each costs a signature, and
 * says nothing that the next one does not: of every device one in two or three is still read, so
 * that none is taken for offline.
 */
export class ReportShed {
  readonly #options: ReportShedOptions;
  readonly #readAtMs = new Map<string, number>();
  /** Reports that were left. */
  count = 0;

  constructor(options: ReportShedOptions) {
    this.#options = options;
  }

  /** Whether a report of this device, which has come now, is to be read. */
  reads(device: string): boolean {
    const { clock, lateMs, everyMs } = this.#options;
    const nowMs = clock.monoMs();
    const isSoon = nowMs - (this.#readAtMs.get(device) ?? -Infinity) < EVERY * everyMs;
    if (isSoon && lateMs() > LATE_MS) {
      this.count += 1;
      return false;
    }
    if (this.#readAtMs.size >= DEVICES_MAX) this.#readAtMs.clear();
    this.#readAtMs.set(device, nowMs);
    return true;
  }
}
