import { trueTime, type Ledger } from '@holdfast/gateway/internal';
import type { HeldOfAll } from './ledger-checks.ts';
import type { MachineBegan } from './sim-agent.ts';
import { WORLD_BEGINS_AT_MS } from './virtual-time.ts';
import type { Witness } from './witness.ts';

/** As the gateway has it: clocks that differ by less agree. */
const AGREE_MS = 1_000;
/** Of the entries of one device. */
const LOOKS_MAX = 1_000;

/** P12: the gateway knows when things happened, whatever the clocks of devices showed. */
export class TimeChecks {
  /** Times that were compared with the true ones. */
  compared = 0;
  readonly #witness: Witness;
  /** When boots of machines began, true time; not known of a number that two boots have. */
  readonly #began = new Map<string, number | undefined>();
  /** The last boot of each device. */
  readonly #last = new Map<string, string>();

  constructor(witness: Witness) {
    this.#witness = witness;
  }

  bootBegan(device: string, { epoch, boot, beganMs }: MachineBegan): void {
    const key = `${device}/${epoch}/${boot}`;
    const isOther = this.#began.has(key) && this.#began.get(key) !== beganMs;
    this.#began.set(key, isOther ? undefined : beganMs);
    this.#last.set(device, key);
  }

  /** @param held Of devices that have had one epoch. */
  async ofLedger(ledger: Ledger, held: HeldOfAll): Promise<void> {
    for (const [device, { entries }] of held) {
      const { epoch } = this.#witness.lifeOf(device);
      const clocks = await ledger.clocks(device, epoch);
      const step = Math.ceil(entries.length / LOOKS_MAX);
      for (const entry of entries.filter((_, index) => index % step === 0)) {
        const key = `${device}/${epoch}/${entry.boot}`;
        const beganMs = this.#began.get(key);
        if (beganMs === undefined) continue;
        this.compared += 1;
        const trueMs = WORLD_BEGINS_AT_MS + beganMs + entry.monoMs;
        const { clock, atMs, notBeforeMs, notAfterMs } = trueTime(clocks, entry);
        const isWithin = trueMs > notBeforeMs - AGREE_MS && trueMs < notAfterMs + AGREE_MS;
        const isRight = Math.abs(atMs - trueMs) <= 2 * AGREE_MS;
        // Of a boot that was over before the clocks could be compared nobody can know more.
        const isExcused = clock === 'unsynced' && key !== this.#last.get(device);
        if (isWithin && (isRight || isExcused)) continue;
        const byMs = Math.round(atMs - trueMs);
        this.#witness.blame('P12', device, `the time of an entry is ${clock}, and ${byMs} ms off`);
      }
    }
  }
}
