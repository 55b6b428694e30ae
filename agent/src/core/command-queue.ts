import type { Command } from '@holdfast/protocol';
import { applyCommand, canJudge, type CommandHost } from './commands.ts';
import type { Engine } from './engine.ts';

/** Commands of the gateway: applied one after another, by their numbers, each once. */
export class CommandQueue {
  readonly #engine: Engine;
  readonly #host: CommandHost;
  #last = 0;
  #queue: Promise<void> = Promise.resolve();

  constructor(engine: Engine) {
    this.#engine = engine;
    this.#host = hostOf(engine);
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
        this.#last = command.number;
        const { durable } = await applyCommand(this.#host, command);
        commits.push(durable);
      }
      await Promise.all(commits);
    });
    this.#queue = applying.catch(() => undefined);
    return applying;
  }
}

function hostOf({ store, states, residents, ports, runJournal, journal, tracing }: Engine) {
  return {
    runOf: async (id) => {
      const number = await store.numberOf(id);
      if (number === undefined || !states.isOpen(number)) return undefined;
      return residents.load(number).catch(() => undefined);
    },
    nowMs: () => ports.clock.nowMs(),
    appendToRun: (...args) => runJournal.append(...args),
    append: (...args) => journal.append(...args),
    callEnded: (...args) => tracing.callEnded(...args),
  } satisfies CommandHost;
}
