import {
  laneIndex,
  lanes,
  messageOf,
  Pauses,
  type Clock,
  type Lane,
  type Log,
  type Store,
  type StoreRange,
} from '@holdfast/protocol';
import { ROWS_BYTES, usedBytes } from './budget.ts';
import type { Journal } from './journal.ts';
import { entryKey, getNumber, metaKey, tableRange } from './keys.ts';
import { layout } from './run-store.ts';

export interface CompactionParts {
  readonly journal: Journal;
  readonly store: Pick<Store, 'get' | 'compact'>;
  readonly fileBytes: () => Promise<number>;
  /** What is free on the disk. */
  readonly freeBytes: () => Promise<number>;
  readonly clock: Clock;
  readonly log: Log;
}

/** Seqs of a lane, both inclusive. */
interface Stretch {
  readonly first: number;
  readonly last: number;
}

/** Less than that is not worth it. */
const GONE_BYTES_MIN = 1024 * 1024;
/** Is written before anything goes, besides what is kept: LevelDB's memory, and what is deleted. */
const ROOM_BYTES = 4 * 1024 * 1024;
/** No more is written before what it takes the place of goes. */
const ROOM_BYTES_MAX = 32 * 1024 * 1024;
/** Where there is no room, or the disk failed, it is tried again after so long. */
const AGAIN_MS = 30_000;
/** Entries that are compacted at a time: an agent that is told to end waits for no more. */
const SLICE_BYTES = 32 * 1024 * 1024;
/**
 * Tables besides that of the entries whose rows go with them, from one to another with what is
 * between: each range costs two more files, and lines in LevelDB's own log, which never ends.
 */
const others = [
  ['b', 'b'],
  ['f', 'l'],
  ['p', 'x'],
] as const;
/** The row that says what had been deleted, ever, when it was compacted last. */
const MARK = 'compacted';

/**
 * Gives back to the disk what deleted entries took: LevelDB does so by itself only as it is written
 * to, and a device that has drained its backlog may write little for long.
 *
 * Files are written anew once what was deleted since is as much as all that is kept, so that each
 * byte that is deleted costs at most one. Of the entries only those tables are that something was
 * deleted in: where the oldest go, that is next to nothing.
 */
export class Compaction {
  readonly #parts: CompactionParts;
  /** What had been deleted, ever, when it was compacted last. */
  #goneBytes: number;
  /** In which something was deleted since; all of it, where an earlier process did. */
  #stretches = new Map<Lane, Stretch>();
  #working: Promise<void> | undefined;
  #stop: () => void = () => {};
  readonly #pauses: Pauses;
  #isClosed = false;

  private constructor(parts: CompactionParts, goneBytes: number) {
    this.#parts = parts;
    this.#pauses = new Pauses(parts.clock);
    this.#goneBytes = goneBytes;
    if (this.#garbage === 0) return;
    const positions = parts.journal.positions();
    for (const lane of lanes) this.#note(lane, [1, positions[laneIndex(lane)].head]);
  }

  static async open(parts: CompactionParts): Promise<Compaction> {
    const mark = await parts.store.get(metaKey(MARK));
    return new Compaction(parts, mark ? getNumber(mark, 0) : 0);
  }

  start(): void {
    this.#stop = this.#parts.journal.onRemove((lane, seqs) => {
      this.#note(lane, seqs);
      this.#look();
    });
    this.#look();
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    this.#stop();
    this.#pauses.close();
    await this.#working;
  }

  #look(): void {
    if (this.#working === undefined && this.#isWorthIt) this.#working = this.#work();
  }

  async #work(): Promise<void> {
    // What is deleted meanwhile may be the last for long.
    while (this.#isWorthIt) {
      const isDone = (await this.#hasRoom()) && (await this.#compact());
      if (!isDone) await this.#pauses.wait(AGAIN_MS);
    }
    // In the same turn as the last look at it: what comes from here on begins anew.
    this.#working = undefined;
  }

  /** A disk that it would fill fails all writes, and has less room than before. */
  async #hasRoom(): Promise<boolean> {
    const { journal, freeBytes } = this.#parts;
    return (await freeBytes()) >= Math.min(ROOM_BYTES_MAX, ROOM_BYTES + usedBytes(journal));
  }

  get #isWorthIt(): boolean {
    const garbage = this.#garbage;
    return (
      !this.#isClosed && garbage >= GONE_BYTES_MIN && garbage >= usedBytes(this.#parts.journal)
    );
  }

  /** What was deleted since it was compacted last. */
  get #garbage(): number {
    return this.#gone() - this.#goneBytes;
  }

  #gone(): number {
    return lanes.reduce((sum, lane) => {
      const { entries, bytes } = this.#parts.journal.gone(lane);
      return sum + bytes + entries * ROWS_BYTES;
    }, 0);
  }

  /** Never rejects. @returns Whether it came to its end. */
  async #compact(): Promise<boolean> {
    const { journal, store, fileBytes, log } = this.#parts;
    const [gone, stretches] = [this.#gone(), this.#stretches];
    const slices = [...stretches].flatMap(([lane, stretch]) => this.#slices(lane, stretch));
    this.#stretches = new Map();
    try {
      const before = await fileBytes();
      const ranges = others.map(([first, last]) => {
        return { from: tableRange(first).from, to: tableRange(last).to };
      });
      for (const range of [...ranges, ...slices]) {
        if (this.#isClosed) return false;
        await store.compact(range);
      }
      this.#goneBytes = gone;
      // If it is lost, the next start compacts again.
      void journal.append([], () => [layout.meta(MARK, gone)]).catch(() => undefined);
      log.info('the store was compacted', { before, after: await fileBytes() });
      return true;
    } catch (error) {
      for (const [lane, { first, last }] of stretches) this.#note(lane, [first, last]);
      if (!this.#isClosed) log.error('the store was not compacted', { why: messageOf(error) });
      return false;
    }
  }

  #note(lane: Lane, seqs: readonly number[]): void {
    const { first = Infinity, last = 0 } = this.#stretches.get(lane) ?? {};
    const stretch = {
      first: Math.min(first, seqs[0] ?? first),
      last: Math.max(last, seqs.at(-1) ?? last),
    };
    this.#stretches.set(lane, stretch);
  }

  /** The ranges of a stretch's entries, each of about as many bytes as are compacted at a time. */
  #slices(lane: Lane, { first, last }: Stretch): StoreRange[] {
    const { journal } = this.#parts;
    const [kept, gone] = [journal.kept(lane), journal.gone(lane)];
    const mean = (kept.bytes + gone.bytes) / Math.max(1, kept.entries + gone.entries);
    const step = Math.max(1, Math.floor(SLICE_BYTES / Math.max(1, mean)));
    const count = Math.ceil((last - first + 1) / step);
    return Array.from({ length: count }, (_, index) => {
      const from = first - 1 + index * step;
      return { from: after(lane, from), to: after(lane, Math.min(last, from + step)) };
    });
  }
}

/** Just behind the row of an entry: no key of a row. */
function after(lane: Lane, seq: number): Uint8Array {
  return Uint8Array.of(...entryKey(lane, seq), 0);
}
