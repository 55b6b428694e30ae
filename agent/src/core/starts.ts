import {
  HoldfastError,
  checkName,
  equalBytes,
  formatTraceparent,
  parseTraceparent,
  type StoreOp,
} from '@holdfast/protocol';
import { birthOf, continues, newId, unborn, type Birth, type Engine } from './engine.ts';
import type { Rider } from './rider.ts';
import type { RunEffects } from './run-effects.ts';
import {
  conflictPolicies,
  reusePolicies,
  type ConflictPolicy,
  type ReusePolicy,
} from './start-policies.ts';
import { finalStates } from './views.ts';
import type { Workflow } from './workflow.ts';

export interface StartRun {
  readonly workflow: string;
  /** Encoded value. */
  readonly input: Uint8Array;
  /** Default: a new one. */
  readonly id?: string | undefined;
  /** Whom it is about. Default: nobody. */
  readonly subject?: string | undefined;
  /** Default `attach`. */
  readonly onConflict?: ConflictPolicy | undefined;
  /** Default `attach`. */
  readonly reuse?: ReusePolicy | undefined;
  /** Place in a trace of whoever starts it. One that is none counts as none. */
  readonly traceparent?: string | undefined;
  /** Further changes of the store, in the commit that starts it; made too if it is there. */
  readonly ops?: readonly StoreOp[] | undefined;
  /** Rides with the commit that starts it. */
  readonly rider?: Rider | undefined;
}

export interface StartedRun {
  readonly number: number;
  readonly id: string;
  /** False: it was there already, of the same workflow and with the same input. */
  readonly created: boolean;
}

/** A start whose arguments are right. */
interface CheckedStart extends StartRun {
  readonly id: string;
  /** It was made for this start: no run has it. */
  readonly isNewId: boolean;
  readonly code: Workflow;
}

/** Starts runs: two callers with one id get one run, whatever they ask for. */
export class Starts {
  readonly #engine: Engine;
  readonly #effects: RunEffects;
  readonly #underway = new Map<string, Promise<StartedRun>>();

  constructor(engine: Engine, effects: RunEffects) {
    this.#engine = engine;
    this.#effects = effects;
  }

  /** Durable once it resolves. */
  async start(request: StartRun): Promise<StartedRun> {
    const checked = this.#check(request);
    const { id } = checked;
    // The second waits for what the first finds or makes.
    for (let before = this.#underway.get(id); before; before = this.#underway.get(id)) {
      await before.catch(() => undefined);
    }
    const starting = this.#start(checked).finally(() => this.#underway.delete(id));
    this.#underway.set(id, starting);
    return starting;
  }

  #check(request: StartRun): CheckedStart {
    const { workflows, ports } = this.#engine;
    const { workflow, onConflict = 'attach', reuse = 'attach' } = request;
    const code = workflows.named(workflow);
    if (code === undefined) {
      const known = workflows.names.join(', ') || 'none';
      const why = `${workflow}; registered: ${known}`;
      throw new HoldfastError('HF_WORKFLOW_UNKNOWN', { why });
    }
    if (request.subject !== undefined) checkName('subject', request.subject);
    checkPolicy('onConflict', onConflict, conflictPolicies);
    checkPolicy('reuse', reuse, reusePolicies);
    const id = checkName('run', request.id ?? newId(ports));
    return { ...request, code, id, isNewId: request.id === undefined };
  }

  async #start(request: CheckedStart): Promise<StartedRun> {
    const { store } = this.#engine;
    const known = request.isNewId ? undefined : await store.numberOf(request.id);
    if (known === undefined) return this.#begin(request);
    const record = await store.record(known);
    if (record === undefined) throw new HoldfastError('HF_ENTRY_DAMAGED', { why: request.id });
    const { onConflict = 'attach', reuse = 'attach' } = request;
    const hasEnded = finalStates.has(record.state);
    const policy = hasEnded ? reuse : onConflict;
    if (policy === 'attach') return this.#attach(request, known);
    const isFree = policy === 'failed-only' && record.state !== 'completed';
    if (policy === 'allow-duplicate' || isFree) return this.#begin(request);
    if (policy === 'terminate') return this.#replace(request, known);
    const option = hasEnded ? 'reuse' : 'onConflict';
    const why = `${request.id} is ${record.state}, and ${option} is ${policy}`;
    throw new HoldfastError('HF_RUN_CONFLICT', { why });
  }

  async #begin(request: CheckedStart): Promise<StartedRun> {
    const engine = this.#engine;
    const birth = this.#birth(request);
    try {
      await engine.runJournal.appendAll([birth.entry], birth.ops, request.rider);
    } catch (error) {
      unborn(engine, birth);
      throw error;
    }
    return { number: birth.run.facts.number, id: request.id, created: true };
  }

  /** Ends the run that has the id, without any of its code, and begins the new one: one commit. */
  async #replace(request: CheckedStart, known: number): Promise<StartedRun> {
    const old = await this.#engine.residents.load(known).catch(() => undefined);
    // It has ended meanwhile.
    if (old === undefined || old.closed) return this.#start(request);
    const birth = this.#birth(request);
    const body = { kind: 'run.cancelled', reason: 'another run took its id' } as const;
    try {
      await this.#effects.end(old, body, 'cancelled', {
        ...{ ops: birth.ops, with: [birth.entry], rider: request.rider },
      });
    } catch (error) {
      unborn(this.#engine, birth);
      throw error;
    }
    return { number: birth.run.facts.number, id: request.id, created: true };
  }

  #birth(request: CheckedStart): Birth {
    this.#engine.journal.checkRoom();
    const { id, code, input, subject = '', ops = [] } = request;
    const { name: workflow, version } = code;
    const context = parseTraceparent(request.traceparent);
    const traceparent = context === undefined ? '' : formatTraceparent(context);
    const birth = birthOf(this.#engine, { id, workflow, version, input, subject, traceparent });
    return { ...birth, ops: [...birth.ops, ...ops] };
  }

  async #attach(request: CheckedStart, number: number): Promise<StartedRun> {
    const { id, code, ops = [] } = request;
    const { workflow, uid, input } = await this.#engine.store.firstEntry(number);
    // What the first of several histories was begun with is not known any more.
    const isSame = continues(uid) || equalBytes(input, request.input);
    if (workflow !== code.name || !isSame) {
      throw new HoldfastError('HF_RUN_CONFLICT', { why: `${id} of ${workflow}` });
    }
    if (ops.length > 0) await this.#engine.journal.append([], () => ops);
    return { number, id, created: false };
  }
}

function checkPolicy(option: string, value: string, allowed: readonly string[]): void {
  if (allowed.includes(value)) return;
  const why = `${option} is ${value}; it must be one of ${allowed.join(', ')}`;
  throw new HoldfastError('HF_CONFIG_INVALID', { why });
}
