import { HoldfastError, hex } from '@holdfast/protocol';
import type { Journal } from './journal.ts';
import type { Residents } from './residents.ts';
import type { RuntimePorts } from './ports.ts';
import type { Run } from './run.ts';
import type { RunFacts } from './run-facts.ts';
import { recordOf, type RunEntry, type RunJournal } from './run-journal.ts';
import { layout, type RunStore } from './run-store.ts';
import type { States } from './states.ts';
import type { Tracing } from './tracing.ts';
import type { Workflows } from './workflows.ts';
import type { StoreOp } from '@holdfast/protocol';

/** The parts of the runtime that its features share. */
export interface Engine {
  readonly ports: RuntimePorts;
  readonly journal: Journal;
  readonly store: RunStore;
  readonly workflows: Workflows;
  readonly states: States;
  readonly residents: Residents;
  readonly runJournal: RunJournal;
  readonly numbers: RunNumbers;
  readonly tracing: Tracing;
}

/** Numbers of runs: each is given out once, for good. */
export class RunNumbers {
  #next = 1;

  startFrom(next: number): void {
    this.#next = next;
  }

  take(): number {
    this.#next += 1;
    return this.#next - 1;
  }
}

/** Number of a run, ended or not. @throws HF_RUN_UNKNOWN */
export async function numberOf(engine: Engine, id: string): Promise<number> {
  const number = await engine.store.numberOf(id);
  if (number === undefined) throw new HoldfastError('HF_RUN_UNKNOWN', { why: id });
  return number;
}

/** A run that has not ended, in memory. @throws HF_RUN_UNKNOWN, HF_RUN_FINISHED */
export async function openRun(engine: Engine, id: string): Promise<Run> {
  const run = await engine.residents.load(await numberOf(engine, id));
  if (run.isContinuing) {
    await run.whenReplaced();
    return openRun(engine, id);
  }
  if (run.closed) throw new HoldfastError('HF_RUN_FINISHED', { why: run.id });
  return run;
}

/** Time first, so that ids sort as they were made; then chance. */
export function newId(ports: RuntimePorts): string {
  const time = ports.clock.nowMs().toString(36).padStart(9, '0');
  return `${time}-${hex(ports.chance.bytes(5))}`;
}

export interface NewRun {
  readonly id: string;
  readonly workflow: string;
  readonly version: number;
  readonly input: Uint8Array;
  readonly parent?: string;
  readonly parentOp?: number;
  /** Whom it is about. Default: nobody. */
  readonly subject?: string;
  /** It is the next history of the run whose first one has this number. */
  readonly place?: number;
  /** Of whatever begins it; empty or not there: none. */
  readonly traceparent?: string;
}

/** Begins the uids of next histories. */
const NEXT_MARK = 'x';

/** Whether the history of this uid is not the first one of its run. */
export function continues(uid: string): boolean {
  return uid.startsWith(NEXT_MARK);
}

/** A run that is about to begin: what is to be journaled for it, in whatever commit. */
export interface Birth {
  readonly run: Run;
  readonly entry: RunEntry;
  readonly ops: readonly StoreOp[];
}

export function birthOf(engine: Engine, fresh: NewRun): Birth {
  const { ports, numbers, residents, states } = engine;
  const { id, workflow, version, input, parent = '', parentOp = 0 } = fresh;
  const { subject = '', traceparent = '' } = fresh;
  const number = numbers.take();
  const { place = number } = fresh;
  const uid = `${place === number ? '' : NEXT_MARK}${hex(ports.chance.bytes(10))}`;
  const startedAtMs = ports.clock.nowMs();
  const origin = { parent, parentOp, subject, place };
  const facts: RunFacts = { number, id, uid, workflow, version, startedAtMs, ...origin };
  const run = residents.create(facts);
  run.isNew = true;
  states.set(number, 'pending');
  const told = { workflow, version, uid, input, parent, parentOp, traceparent };
  const body = { kind: 'run.started', ...told } as const;
  const ops = [
    layout.openRecord(number, recordOf(run, 'pending')),
    layout.runId(id, number),
    layout.meta('runs', number),
    ...(place === number ? [] : [layout.place(place, number)]),
  ];
  return { run, entry: { run, body }, ops };
}

/** The commit that was to begin it was refused: it never was. */
export function unborn(engine: Engine, { run }: Birth): void {
  engine.residents.evict(run);
  engine.states.forget(run.facts.number);
}
