import { HoldfastError, assert, messageOf } from '@holdfast/protocol';
import type { Run, RunFacts, RunHost } from './run.ts';
import type { RunRecord } from './run-record.ts';
import type { RunStore } from './run-store.ts';
import { finalStates, runStates, type RunState } from './views.ts';
import type { Workflow } from './workflow.ts';
import { Run as ResidentRun } from './run.ts';

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

/** What is known without the store of every run that has not ended, and counts of the rest. */
export class States {
  readonly #open = new Map<number, RunState>();
  readonly #ended: Partial<Record<RunState, number>> = {};

  set(number: number, state: RunState): void {
    if (!finalStates.has(state)) {
      this.#open.set(number, state);
      return;
    }
    this.#open.delete(number);
    this.#ended[state] = (this.#ended[state] ?? 0) + 1;
  }

  /** A run that had ended was purged. */
  purge(state: RunState): void {
    this.#ended[state] = Math.max(0, (this.#ended[state] ?? 0) - 1);
  }

  isOpen(number: number): boolean {
    return this.#open.has(number);
  }

  /** Numbers of runs by state; states without runs are left out. */
  counts(stateOf: (number: number) => RunState | undefined): Partial<Record<RunState, number>> {
    const counts: Partial<Record<RunState, number>> = { ...this.#ended };
    for (const [number, state] of this.#open) {
      const now = stateOf(number) ?? state;
      counts[now] = (counts[now] ?? 0) + 1;
    }
    return Object.fromEntries(
      runStates.filter((state) => counts[state]).map((state) => [state, counts[state]]),
    );
  }
}

/**
 * The runs that are in memory. A run is loaded when something happens to it, and put away again
 * when it only waits: sleeping runs cost an index, not memory.
 */
export class Residents {
  readonly #store: RunStore;
  readonly #workflows: Workflows;
  readonly #host: RunHost;
  readonly #onLoaded: (run: Run) => void;
  readonly #runs = new Map<number, Run>();
  readonly #loading = new Map<number, Promise<Run>>();

  constructor(parts: {
    readonly store: RunStore;
    readonly workflows: Workflows;
    readonly host: RunHost;
    /** A run was loaded with its history and has to be driven. */
    readonly onLoaded: (run: Run) => void;
  }) {
    this.#store = parts.store;
    this.#workflows = parts.workflows;
    this.#host = parts.host;
    this.#onLoaded = parts.onLoaded;
  }

  get size(): number {
    return this.#runs.size;
  }

  get(number: number): Run | undefined {
    return this.#runs.get(number);
  }

  all(): IterableIterator<Run> {
    return this.#runs.values();
  }

  /** Makes a run that begins now: its history is what is fed to it. */
  create(facts: RunFacts): Run {
    assert(!this.#runs.has(facts.number), 'a run is created once');
    const run = new ResidentRun(facts, this.#workflows.codeOf(facts), this.#host);
    this.#runs.set(facts.number, run);
    return run;
  }

  /** The run in memory, loaded from the store if need be. @throws HF_RUN_FINISHED */
  load(number: number): Promise<Run> {
    const resident = this.#runs.get(number);
    if (resident !== undefined) return Promise.resolve(resident);
    const underway = this.#loading.get(number);
    if (underway !== undefined) return underway;
    const loading = this.#load(number).finally(() => this.#loading.delete(number));
    this.#loading.set(number, loading);
    return loading;
  }

  evict(run: Run): void {
    run.closed = true;
    this.#runs.delete(run.facts.number);
  }

  async #load(number: number): Promise<Run> {
    const record = await this.#store.record(number);
    if (record === undefined) throw new HoldfastError('HF_RUN_UNKNOWN', { why: `run ${number}` });
    if (finalStates.has(record.state)) {
      throw new HoldfastError('HF_RUN_FINISHED', { why: `${record.id} is ${record.state}` });
    }
    const facts = factsOf(number, record);
    const run = new ResidentRun(facts, this.#workflows.codeOf(facts), this.#host);
    run.parked = record.state !== 'pending' && record.state !== 'running';
    try {
      const history = await this.#store.history(number);
      run.n = history.length;
      run.feed(history.map(({ entry }) => entry));
    } catch (error) {
      // The run can't go on, but it can be looked at, and the others go on.
      run.n = (await this.#store.places(number)).length;
      run.stuck =
        error instanceof HoldfastError
          ? error
          : new HoldfastError('HF_ENTRY_DAMAGED', { why: messageOf(error), cause: error });
    }
    this.#runs.set(number, run);
    this.#onLoaded(run);
    return run;
  }
}

function factsOf(number: number, record: RunRecord): RunFacts {
  const { id, uid, workflow, version, startedAtMs } = record;
  return { number, id, uid, workflow, version, startedAtMs };
}
