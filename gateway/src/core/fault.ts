import { HoldfastError, messageOf, type Log } from '@holdfast/protocol';

/** The first failure that the gateway cannot go on after; later ones follow from it. */
export class Fault {
  /** Resolves when there is one. */
  readonly first: Promise<HoldfastError>;
  readonly #log: Log;
  #error: HoldfastError | undefined;
  #resolve: (error: HoldfastError) => void = () => {};

  constructor(log: Log) {
    this.#log = log;
    this.first = new Promise((resolve) => {
      this.#resolve = resolve;
    });
  }

  get error(): HoldfastError | undefined {
    return this.#error;
  }

  tell(cause: unknown): void {
    if (this.#error !== undefined) return;
    const why = messageOf(cause);
    const isOurs = cause instanceof HoldfastError;
    this.#error = isOurs ? cause : new HoldfastError('HF_LEDGER_FAILED', { why, cause });
    this.#log.error('the gateway cannot go on', { why });
    this.#resolve(this.#error);
  }
}
