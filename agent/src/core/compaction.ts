import {
  lanes,
  messageOf,
  type Lane,
  type Log,
  type Store,
  type StoreRange,
} from '@holdfast/protocol';
import type { Journal } from './journal.ts';
import { entryKey, tableRange } from './keys.ts';

export interface CompactionParts {
  readonly journal: Journal;
  readonly store: Store;
  readonly fileBytes: () => Promise<number>;
  readonly log: Log;
}

/** Less than that is not worth it. */
const GONE_BYTES_MIN = 4 * 1024 * 1024;
/** Entries that are compacted at a time: an agent that is told to end waits for no more. */
const SLICE_BYTES = 32 * 1024 * 1024;
/** Tables besides that of the entries whose rows go with them. */
const others = ['h', 'f', 'i', 'l', 'p', 'b', 'x'] as const;

/**
 * Gives back to the disk what deleted entries took: LevelDB does so by itself only as it is written
 * to, and a device that has drained its backlog may write little for long.
 *
 * Files are written anew once at least half of what they take was deleted, so that each byte that
 * is deleted costs at most about two.
 */
export class Compaction {
  readonly #parts: CompactionParts;
  /** What had been deleted, ever, when it was compacted last. */
  #goneBytes: number;
  #working: Promise<void> | undefined;
  #isClosed = false;

  constructor(parts: CompactionParts) {
    this.#parts = parts;
    this.#goneBytes = this.#gone();
  }

  /** Something was deleted. Never rejects. */
  look(): Promise<void> {
    this.#working ??= this.#look()
      .catch((error: unknown) => {
        if (this.#isClosed) return;
        this.#parts.log.error('the store was not compacted', { why: messageOf(error) });
      })
      .finally(() => (this.#working = undefined));
    return this.#working;
  }

  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#working;
  }

  async #look(): Promise<void> {
    const { store, fileBytes, log } = this.#parts;
    const gone = this.#gone();
    if (gone - this.#goneBytes < GONE_BYTES_MIN) return;
    const before = await fileBytes();
    if (gone - this.#goneBytes < before / 2) return;
    this.#goneBytes = gone;
    const slices = lanes.flatMap((lane) => this.#slices(lane));
    for (const range of [...others.map(tableRange), ...slices]) {
      if (this.#isClosed) return;
      await store.compact(range);
    }
    log.info('the store was compacted', { before, after: await fileBytes() });
  }

  #gone(): number {
    const { journal } = this.#parts;
    return lanes.reduce((sum, lane) => sum + journal.gone(lane).bytes, 0);
  }

  /** The ranges of a lane's entries, each of about as many bytes as are compacted at a time. */
  #slices(lane: Lane): StoreRange[] {
    const { journal } = this.#parts;
    const [kept, gone] = [journal.kept(lane), journal.gone(lane)];
    const [entries, bytes] = [kept.entries + gone.entries, kept.bytes + gone.bytes];
    const count = Math.ceil(bytes / SLICE_BYTES);
    const step = Math.ceil(entries / Math.max(1, count));
    return Array.from({ length: count }, (_, index) => {
      return { from: after(lane, index * step), to: after(lane, (index + 1) * step) };
    });
  }
}

/** Just behind the row of an entry: no key of a row. */
function after(lane: Lane, seq: number): Uint8Array {
  return Uint8Array.of(...entryKey(lane, seq), 0);
}
