import type { Clock } from '@holdfast/protocol';
import type { Database } from './database.ts';
import { COMMAND_CHANNEL } from './sql-rows.ts';

export interface CommandFeedParts {
  readonly database: Database;
  readonly clock: Pick<Clock, 'wakeIn'>;
  /** A command was issued for this device, by whichever gateway. */
  readonly onCommand: (device: string) => void;
  /** Commands may have been issued that nobody was told of here. */
  readonly onGap: () => void;
}

const PAUSE_MS = 2_000;

/** Hears of commands that any gateway has issued, for as long as it is wanted. */
export class CommandFeed {
  readonly #parts: CommandFeedParts;
  #end: () => void = () => {};
  #cancelPause: () => void = () => {};
  #isClosed = false;
  #hasGap = false;

  constructor(parts: CommandFeedParts) {
    this.#parts = parts;
  }

  async open(): Promise<void> {
    const { database, onCommand, onGap } = this.#parts;
    try {
      this.#end = await database.listen(COMMAND_CHANNEL, onCommand, () => this.#again());
    } catch {
      // Why the database is not there is told by those who read and write in it.
      this.#again();
      return;
    }
    if (this.#isClosed) this.#end();
    else if (this.#hasGap) onGap();
    this.#hasGap = false;
  }

  close(): void {
    this.#isClosed = true;
    this.#cancelPause();
    this.#end();
  }

  #again(): void {
    this.#hasGap = true;
    this.#cancelPause();
    if (this.#isClosed) return;
    this.#cancelPause = this.#parts.clock.wakeIn(PAUSE_MS, () => void this.open());
  }
}
