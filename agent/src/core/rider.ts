import type { StoreOp } from '@holdfast/protocol';
import type { Draft, EntryRef, Journal } from './journal.ts';

/** What rides with a commit that others make. */
export interface Load {
  readonly drafts: readonly Draft[];
  readonly ops: readonly StoreOp[];
}

/**
 * Something that is to be durable in one commit with what somebody else journals: the receipt of a
 * command, with its effect. It rides once, with the first commit that takes it along.
 */
export class Rider {
  #load: Load | undefined;
  #isDurable = false;

  constructor(load: Load) {
    this.#load = load;
  }

  /** A commit that took it along is on stable storage. */
  get isDurable(): boolean {
    return this.#isDurable;
  }

  /** Appends with what rides, which comes behind. Resolves as the journal does. */
  async append(
    journal: Journal,
    drafts: readonly Draft[],
    opsOf: (refs: readonly EntryRef[]) => readonly StoreOp[] = () => [],
  ): Promise<readonly EntryRef[]> {
    const load = this.#load;
    if (load === undefined) return journal.append(drafts, opsOf);
    this.#load = undefined;
    try {
      const all = [...drafts, ...load.drafts];
      const refs = await journal.append(all, (placed) => [...opsOf(placed), ...load.ops]);
      this.#isDurable = true;
      return refs;
    } catch (error) {
      // Nothing of it was written: it may ride with another one.
      this.#load = load;
      throw error;
    }
  }
}

/** Appends as the journal does, with a rider where there is one. */
export function appendWith(
  journal: Journal,
  rider: Rider | undefined,
  ...args: Parameters<Journal['append']>
): Promise<readonly EntryRef[]> {
  return rider === undefined ? journal.append(...args) : rider.append(journal, ...args);
}
