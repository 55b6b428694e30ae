import { nameOf, type Signal, type SignalArguments } from '../core/signal.ts';
import type { HistoryView, RunDetailView } from '../core/views.ts';

/** What a run asks of its device. */
export interface TestRunHost {
  untilEnded(run: string): Promise<unknown>;
  signal(run: string, name: string, payload: unknown): Promise<void>;
  cancel(run: string, reason: string): Promise<void>;
  view(run: string): Promise<RunDetailView>;
  export(run: string): Promise<HistoryView>;
}

/** A run on a test device; it stays the same over crashes and restarts. */
export class TestRun<O = unknown> {
  readonly id: string;
  readonly #host: TestRunHost;

  constructor(host: TestRunHost, id: string) {
    this.#host = host;
    this.id = id;
  }

  /**
   * Lets time pass until it has ended, and resolves with what the workflow returned.
   *
   * @throws HF_RUN_FAILED, its `cause` what the workflow threw; HF_RUN_CANCELLED; HF_WAIT_TIMEOUT,
   *   with where it stands, when time alone does not end it.
   */
  async result(): Promise<O> {
    // What the store holds of it is what its workflow returned.
    return (await this.#host.untilEnded(this.id)) as O;
  }

  signal<T = unknown>(
    signal: Signal<T> | string,
    ...[payload]: SignalArguments<T, never>
  ): Promise<void> {
    return this.#host.signal(this.id, nameOf(signal), payload);
  }

  cancel(reason = 'cancelled by the test'): Promise<void> {
    return this.#host.cancel(this.id, reason);
  }

  /** Where it stands, with its history: as in `holdfast workflow show`. */
  status(): Promise<RunDetailView> {
    return this.#host.view(this.id);
  }

  /** `kind name` of each entry of its history, in order: `step.completed authorize-payment`. */
  async history(): Promise<readonly string[]> {
    const { history } = await this.#host.view(this.id);
    return history.map(({ kind, name }) => (name === null ? kind : `${kind} ${name}`));
  }

  /** What `holdfast workflow export --reveal` writes, for `replay`. */
  export(): Promise<HistoryView> {
    return this.#host.export(this.id);
  }
}
