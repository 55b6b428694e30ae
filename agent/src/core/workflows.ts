import { HoldfastError } from '@holdfast/protocol';
import type { Workflow } from './workflow.ts';

/** The workflows that are registered, by name and version. */
export class Workflows {
  /** The versions of each name, newest first. */
  readonly #byName = new Map<string, Workflow[]>();

  /** @throws HF_WORKFLOW_DUPLICATE */
  constructor(workflows: readonly Workflow[]) {
    for (const each of workflows) {
      const versions = this.#byName.get(each.name) ?? [];
      if (versions.some(({ version }) => version === each.version)) {
        const why = `${each.name} version ${each.version}`;
        throw new HoldfastError('HF_WORKFLOW_DUPLICATE', { why });
      }
      versions.push(each);
      versions.sort((a, b) => b.version - a.version);
      this.#byName.set(each.name, versions);
    }
  }

  get names(): readonly string[] {
    return [...this.#byName.keys()];
  }

  /** The newest version: what new runs begin with. */
  named(name: string): Workflow | undefined {
    return this.#byName.get(name)?.[0];
  }

  /** The code that a run of this version was started with. */
  codeOf(facts: { readonly workflow: string; readonly version: number }): Workflow | undefined {
    const versions = this.#byName.get(facts.workflow);
    return versions?.find(({ version }) => version === facts.version);
  }
}
