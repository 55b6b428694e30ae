import type { Entry } from '@holdfast/protocol';

/** The durable entries that the code of a run has not been handed yet, in their order. */
export class Tape {
  #entries: Entry[] = [];
  /** First entry that the code has not been handed. */
  #next = 0;
  /** Names of the patches that history has, by their operations; known while it is replayed. */
  readonly #patches = new Map<number, string>();
  /** The last operation that history mentions. */
  #mentionedThrough = 0;

  /** How many entries wait to be handed to the code. */
  get pending(): number {
    return this.#entries.length - this.#next;
  }

  add(entry: Entry): void {
    this.#entries.push(entry);
  }

  /** Notes what `knows` is asked for while history is replayed. */
  mention(entry: Entry): void {
    if (!('op' in entry) || !('name' in entry)) return;
    if (entry.op > this.#mentionedThrough) this.#mentionedThrough = entry.op;
    if (entry.kind === 'patch.marked') this.#patches.set(entry.op, entry.name);
  }

  /** The next entry to hand to the code. */
  take(): Entry | undefined {
    const entry = this.#entries[this.#next];
    this.#next += 1;
    return entry;
  }

  /** Lets go of what was taken. */
  trim(): void {
    if (this.pending === 0) this.#entries.length = 0;
    else this.#entries.splice(0, this.#next);
    this.#next = 0;
  }

  /** All of the history was handed over: patches are asked of it no more. */
  end(): void {
    this.#patches.clear();
  }

  /** Whether code that is at this operation was here before with a patch, without, or never. */
  patchAt(op: number, name: string): 'marked' | 'passed' | 'new' {
    if (this.#patches.get(op) === name) return 'marked';
    return this.#mentionedThrough >= op ? 'passed' : 'new';
  }

  /** Whether an entry to come says that a step was at work when it was cancelled. */
  willStart(op: number): boolean {
    return this.#entries
      .slice(this.#next)
      .some((entry) => entry.kind === 'step.started' && entry.op === op);
  }
}
