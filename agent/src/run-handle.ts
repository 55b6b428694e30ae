import { encodeValue } from '@holdfast/protocol';
import type { AgentParts } from './agent-parts.ts';
import { nameOf, type Signal, type SignalArguments } from './core/signal.ts';
import type { RunDetailView } from './core/views.ts';

type Parts = Pick<AgentParts, 'runtime' | 'inspector' | 'surface'>;

/** What makes a signal that is sent twice count once. */
export interface SendOptions {
  /** Counts once in a run. Default: a new one. */
  readonly id?: string;
  /** Whom it is about: its payload can be erased by this. Default: as the run. */
  readonly subject?: string;
  /** The sender's place in a trace. */
  readonly traceparent?: string;
}

/** A run, as the program that started it, or asked for it, holds it. */
export class RunHandle<O = unknown> {
  readonly id: string;
  readonly #parts: Parts;

  constructor(parts: Parts, id: string) {
    this.#parts = parts;
    this.id = id;
  }

  /**
   * Resolves with what the workflow returned, in its stored form, whenever that is. When another
   * run takes the id, with what that one returns.
   *
   * @throws HF_RUN_FAILED, its `cause` what the workflow threw; HF_RUN_CANCELLED; HF_RUN_UNKNOWN
   *   once it was purged.
   */
  async result(): Promise<O> {
    const { runtime, inspector } = this.#parts;
    let number = await runtime.numberOf(this.id);
    for (;;) {
      const ended = number;
      if (runtime.isOpen(ended)) {
        await new Promise<void>((end) => runtime.onceEnded(ended, end));
      }
      // Asked again: the id of a run that went on in a new history stands for that one.
      number = await runtime.numberOf(this.id);
      // What the store holds of it is what its workflow returned.
      if (number === ended) return (await inspector.result(number)) as O;
    }
  }

  /** Where it stands, with its history. */
  status(): Promise<RunDetailView> {
    return this.#parts.surface.run(this.id);
  }

  /**
   * Gives it a signal; durable once it resolves. Signals with one id count once.
   *
   * @throws HF_RUN_UNKNOWN, HF_RUN_FINISHED, HF_NAME_INVALID, HF_SIGNAL_REFUSED, HF_VALUE_*,
   *   HF_JOURNAL_*.
   */
  async signal<T = unknown>(
    signal: Signal<T> | string,
    ...[payload, options = {}]: SignalArguments<T, SendOptions>
  ): Promise<void> {
    const encoded = encodeValue(payload, 'payload');
    const name = nameOf(signal);
    await this.#parts.runtime.signal({ ...options, run: this.id, name, payload: encoded });
  }

  /**
   * Cancels it: what it awaits rejects with HF_RUN_CANCELLED, so that it can clean up. With `force`
   * none of its code runs any more. Durable once it resolves.
   */
  async cancel(
    reason = 'cancelled by the program',
    options: { force?: boolean } = {},
  ): Promise<void> {
    await this.#parts.runtime.cancel({ run: this.id, reason, force: options.force });
  }

  /** Holds it: nothing new of it is begun. Durable once it resolves. */
  async pause(reason = 'paused by the program'): Promise<void> {
    await this.#parts.runtime.pause(this.id, reason);
  }

  async resume(): Promise<void> {
    await this.#parts.runtime.resume(this.id);
  }

  /**
   * Lets it go on from where it failed, try its code again if it is stuck, or make the next attempt
   * at once. Durable once it resolves. @throws HF_RUN_STATE
   */
  async retry(reason = 'retried by the program'): Promise<void> {
    await this.#parts.runtime.retry(this.id, reason);
  }

  /** Gives an open step an outcome by hand. Durable once it resolves. @throws HF_RUN_STATE */
  async skip(step: string, result?: unknown): Promise<void> {
    const encoded = encodeValue(result, 'result');
    await this.#parts.runtime.skip({ run: this.id, step, result: encoded });
  }

  /**
   * Starts a new run that begins with what this one had done before an operation, by its name or
   * number.
   */
  async fork(step: string, options: { id?: string } = {}): Promise<RunHandle<O>> {
    const id = await this.#parts.runtime.fork({ run: this.id, step, id: options.id });
    return new RunHandle<O>(this.#parts, id);
  }
}
