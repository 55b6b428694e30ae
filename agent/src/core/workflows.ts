import { HoldfastError } from '@holdfast/protocol';
import type { Workflow } from './workflow.ts';

/** The workflows that are registered, by name and version. */
export class Workflows {
  readonly #byName = new Map<string, Workflow>();

  /** @throws HF_WORKFLOW_DUPLICATE */
  constructor(workflows: readonly Workflow[]) {
    for (const each of workflows) {
      if (this.#byName.has(each.name)) {
        throw new HoldfastError('HF_WORKFLOW_DUPLICATE', { why: each.name });
      }
      this.#byName.set(each.name, each);
    }
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  named(name: string): Workflow | undefined {
    return this.#byName.get(name);
  }

  /** The code that a run of this version was started with. */
  codeOf(facts: { readonly workflow: string; readonly version: number }): Workflow | undefined {
    const found = this.#byName.get(facts.workflow);
    return found?.version === facts.version ? found : undefined;
  }
}
