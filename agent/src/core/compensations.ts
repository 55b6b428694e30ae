import { HoldfastError, messageOf } from '@holdfast/protocol';
import type { Sealing } from './mark.ts';
import type { Op } from './op.ts';
import type { StepInfo } from './workflow.ts';

export interface Undo {
  readonly op: number;
  readonly step: string;
  /** Of the step that is undone: what undoes it is given its result. */
  readonly sealing: Sealing;
  readonly body: (info: StepInfo) => unknown;
}

/** What is to be undone when a run fails: in the reverse order of completion. */
export class Compensations {
  readonly #undos: Undo[] = [];
  readonly #noted = new Set<number>();

  /** A step has completed, or ended in doubt: then its result is `undefined`. */
  note(op: Op, result: unknown): void {
    const { request, number } = op;
    if (request.kind !== 'step' || request.compensate === undefined) return;
    const { compensate, name, sealing } = request;
    const body: Undo['body'] = (info) => compensate(result, info);
    const undo: Undo = { op: number, step: name, sealing, body };
    // A step in doubt may turn out to have completed; it is undone once all the same.
    const known = this.#undos.findIndex((each) => each.op === number);
    if (known >= 0) this.#undos[known] = undo;
    else if (!this.#noted.has(number)) this.#undos.push(undo);
    this.#noted.add(number);
  }

  get isEmpty(): boolean {
    return this.#undos.length === 0;
  }

  /**
   * Undoes everything, last first; a failure stops none of the others.
   *
   * @param step Runs one as a durable step.
   * @returns What the run ends with: the error, or, when something could not be undone, both.
   */
  async run(
    error: unknown,
    step: (name: string, undo: Undo) => Promise<unknown>,
  ): Promise<unknown> {
    const failures: { readonly step: string; readonly error: unknown }[] = [];
    for (let undo = this.#undos.pop(); undo !== undefined; undo = this.#undos.pop()) {
      try {
        await step(`undo ${undo.step}`.slice(0, 128), undo);
      } catch (failure) {
        failures.push({ step: undo.step, error: failure });
      }
    }
    if (failures.length === 0) return error;
    const names = failures.map((each) => each.step).join(', ');
    const causes = [error, ...failures.map((each) => each.error)];
    const cause = new AggregateError(causes, 'the failure of the run, then those of undoing it');
    return new HoldfastError('HF_COMPENSATION_FAILED', {
      why: `${names}; the run had failed with: ${messageOf(error)}`,
      details: { steps: failures.map((each) => each.step) },
      cause,
    });
  }
}
