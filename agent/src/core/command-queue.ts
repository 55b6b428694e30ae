import type { Command } from '@holdfast/protocol';
import { applyCommand, canJudge, type CommandHost } from './commands.ts';
import type { Engine } from './engine.ts';

/** Commands of the gateway: applied one after another, by their numbers, each once. */
export class CommandQueue {
  readonly #engine: Engine;
  readonly #host: CommandHost;
  #last = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(engine: Engine, host: CommandHost) {
    this.#engine = engine;
    this.#host = host;
  }

  /** Number of the last command that was applied. */
  get last(): number {
    return this.#last;
  }

  startFrom(last: number): void {
    this.#last = last;
  }

  /** Resolves once those that come next by their numbers are durable; see `UplinkRuntime`. */
  apply(commands: readonly Command[]): Promise<void> {
    const applying = this.#queue.then(async () => {
      const commits: Promise<unknown>[] = [];
      for (const command of commands) {
        if (command.number <= this.#last) continue;
        if (command.number !== this.#last + 1) break;
        if (!canJudge(this.#engine.ports.clock, command)) break;
        const { durable } = await applyCommand(this.#engine, this.#host, command);
        // Its place in the journal is taken: those that follow come behind it.
        this.#last = command.number;
        // When one behind it is left, nobody waits for this one: its failure is the journal's.
        durable.catch(() => undefined);
        commits.push(durable);
      }
      await Promise.all(commits);
    });
    this.#queue = applying.catch(() => undefined);
    return applying;
  }
}
