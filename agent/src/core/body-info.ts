import type { AbortHandle } from './ports.ts';
import { tokenOf } from './token.ts';
import type { StepInfo } from './workflow.ts';

/** Which attempt the body of a step is run for. */
export interface BodyPlace {
  readonly run: { readonly number: number; readonly uid: string };
  readonly op: number;
  readonly attempt: number;
  readonly deadlineAtMs: number | undefined;
  readonly traceparent: string | undefined;
  readonly abort: AbortHandle;
}

/** What the body of a step is given. Most ask for little: the rest is made when it is asked for. */
export class BodyInfo implements StepInfo {
  readonly attempt: number;
  readonly deadlineAtMs: number | undefined;
  readonly traceparent: string | undefined;
  readonly #place: BodyPlace;

  constructor(place: BodyPlace) {
    this.attempt = place.attempt;
    this.deadlineAtMs = place.deadlineAtMs;
    this.traceparent = place.traceparent;
    this.#place = place;
  }

  get idempotencyKey(): string {
    return `${this.#place.run.uid}/${this.#place.op}`;
  }

  get signal(): AbortSignal {
    return this.#place.abort.signal;
  }

  get token(): string {
    return tokenOf(this.#place.run, this.#place.op);
  }
}
