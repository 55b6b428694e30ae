import type { HoldfastError } from '@holdfast/protocol';

/**
 * A part of a run that is cancelled as one. What is cancelled around it reaches into it, unless it
 * is shielded.
 */
export class CancelScope {
  readonly #around: CancelScope | undefined;
  readonly #isShielded: boolean;
  #reason: HoldfastError | undefined;

  constructor(around?: CancelScope, isShielded = false) {
    this.#around = around;
    this.#isShielded = isShielded;
  }

  /** Why what belongs to it is cancelled; `undefined`: it is not. */
  get reason(): HoldfastError | undefined {
    if (this.#reason !== undefined || this.#isShielded) return this.#reason;
    return this.#around?.reason;
  }

  cancel(reason: HoldfastError): void {
    this.#reason ??= reason;
  }
}
