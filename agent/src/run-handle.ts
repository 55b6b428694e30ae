import { encodeValue } from '@holdfast/protocol';
import type { AgentParts } from './agent.ts';
import type { RunDetailView } from './core/views.ts';

type Parts = Pick<AgentParts, 'runtime' | 'inspector' | 'surface'>;

/** A run, as the program that started it, or asked for it, holds it. */
export class RunHandle<O = unknown> {
  readonly id: string;
  readonly #number: number;
  readonly #parts: Parts;

  constructor(parts: Parts, id: string, number: number) {
    this.#parts = parts;
    this.id = id;
    this.#number = number;
  }

  /**
   * Resolves with what the workflow returned, in its stored form, whenever that is.
   *
   * @throws HF_RUN_FAILED, its `cause` what the workflow threw; HF_RUN_CANCELLED.
   */
  async result(): Promise<O> {
    const { runtime, inspector } = this.#parts;
    if (runtime.isOpen(this.#number)) {
      await new Promise<void>((ended) => runtime.onceEnded(this.#number, ended));
    }
    // What the store holds of this run is what its workflow returned.
    return (await inspector.result(this.#number)) as O;
  }

  /** Where it stands, with its history. */
  status(): Promise<RunDetailView> {
    return this.#parts.surface.run(this.id);
  }

  /** Gives it a signal; durable once it resolves. Signals with one id count once. */
  async signal(name: string, payload?: unknown, options: { id?: string } = {}): Promise<void> {
    const encoded = encodeValue(payload, 'payload');
    await this.#parts.runtime.signal({ run: this.id, name, payload: encoded, id: options.id });
  }

  /** Ends it without running its code any further; durable once it resolves. */
  async cancel(reason = 'cancelled by the program'): Promise<void> {
    await this.#parts.runtime.cancel({ run: this.id, reason });
  }
}
