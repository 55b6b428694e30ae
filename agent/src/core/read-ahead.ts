import type { Clock, Lane } from '@holdfast/protocol';
import type { LaneRead, ReadLimits, UplinkJournal } from './uplink-ports.ts';

/** No older is what was read when it is sent: what is gone by then is told as gone. */
const FRESH_MS = 1_000;

/** Where a lane goes on. */
interface LanePlace {
  readonly lane: Lane;
  readonly seqFirst: number;
}

interface Ahead extends LanePlace {
  readonly bytesMax: number;
  readonly atMs: number;
  readonly read: LaneRead;
}

/**
 * Reads a lane batch by batch, and while one is packed the one behind it: the disk, and whatever
 * deflates, are at work at the same time.
 */
export class ReadAhead {
  readonly #journal: Pick<UplinkJournal, 'read'>;
  readonly #clock: Pick<Clock, 'monoMs'>;
  #ahead: Ahead | undefined;

  constructor(journal: Pick<UplinkJournal, 'read'>, clock: Pick<Clock, 'monoMs'>) {
    this.#journal = journal;
    this.#clock = clock;
  }

  /** What the lane goes on with: what was read ahead, if it is that. */
  async read({ lane, seqFirst }: LanePlace, limits: ReadLimits): Promise<LaneRead> {
    const ahead = this.#ahead;
    this.#ahead = undefined;
    const isNext = ahead?.lane === lane && ahead.seqFirst === seqFirst;
    if (isNext && this.#isFit(ahead, limits)) return ahead.read;
    return this.#journal.read(lane, seqFirst, limits);
  }

  /** Reads what is asked for next, if all goes as it should. Never rejects. */
  async begin({ lane, seqFirst }: LanePlace, limits: ReadLimits): Promise<void> {
    const { bytesMax } = limits;
    const atMs = this.#clock.monoMs();
    try {
      const read = await this.#journal.read(lane, seqFirst, limits);
      if (isWhole(read)) this.#ahead = { lane, seqFirst, bytesMax, atMs, read };
    } catch {
      // It is read again when its turn has come, and fails for whoever wants it then.
    }
  }

  #isFit({ atMs, bytesMax, read }: Ahead, limits: ReadLimits): boolean {
    if (this.#clock.monoMs() - atMs > FRESH_MS) return false;
    return read.entries.length <= limits.entriesMax && bytesMax <= 2 * limits.bytesMax;
  }
}

/** Contents that go beside entries may be erased at any time: they are read when they are sent. */
function isWhole({ entries, hole }: LaneRead): boolean {
  return hole === undefined && entries.every((item) => item instanceof Uint8Array);
}
