import { HoldfastError, assert, messageOf } from '@holdfast/protocol';
import { continues } from './engine.ts';
import { forgetRetried } from './repair.ts';
import type { RunFacts } from './run-facts.ts';
import type { RunHost } from './run-host.ts';
import { Run } from './run.ts';
import type { RunRecord } from './run-record.ts';
import type { RunStore } from './run-store.ts';
import { finalStates } from './views.ts';
import type { Workflows } from './workflows.ts';

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
  /** Records of runs that are about to be loaded for the first time. */
  readonly #read = new Map<number, RunRecord>();
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
    const run = new Run(facts, this.#workflows.codeOf(facts), this.#host);
    this.#runs.set(facts.number, run);
    return run;
  }

  /**
   * Takes the record of a run that is about to be loaded, as it is in the store: it is not read
   * again. Only what loads a run changes its record.
   */
  expect(number: number, record: RunRecord): void {
    this.#read.set(number, record);
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
    const record = this.#read.get(number) ?? (await this.#store.record(number));
    this.#read.delete(number);
    if (record === undefined) throw new HoldfastError('HF_RUN_UNKNOWN', { why: `run ${number}` });
    if (finalStates.has(record.state)) {
      throw new HoldfastError('HF_RUN_FINISHED', { why: `${record.id} is ${record.state}` });
    }
    const facts = factsOf(number, record);
    const run = new Run(facts, this.#workflows.codeOf(facts), this.#host);
    run.parked = record.state !== 'pending' && record.state !== 'running';
    try {
      const history = await this.#store.history(number);
      if (continues(facts.uid)) {
        for (const id of await this.#store.earlierSignals(number)) run.progress.signalIds.add(id);
      }
      run.n = history.length;
      run.crashes = record.crashes;
      run.feed(forgetRetried(history));
      // Perhaps it had come farther than its history says: a person lets it go on.
      if (record.stuckCode === 'HF_RUN_IN_DOUBT') run.stuck = new HoldfastError('HF_RUN_IN_DOUBT');
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
  const { id, uid, workflow, version, startedAtMs, parent, parentOp, place, subject } = record;
  const origin = { parent, parentOp, place, subject };
  return { number, id, uid, workflow, version, startedAtMs, ...origin };
}
