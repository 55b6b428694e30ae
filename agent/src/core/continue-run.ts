import type { StoreOp } from '@holdfast/protocol';
import { birthOf, unborn, type Engine } from './engine.ts';
import type { Run } from './run.ts';
import { recordOf, type RunEntry } from './run-journal.ts';
import { sealOf } from './run-seals.ts';
import { layout } from './run-store.ts';

/** Lets runs go on in new histories, no faster than what is left of the old ones can be deleted. */
export class Continuations {
  readonly #engine: Engine;
  readonly #onContinued: (number: number) => Promise<void>;
  #room = Promise.resolve();

  /** `onContinued`: told of a history that is over; no other ends before it resolves. */
  constructor(engine: Engine, onContinued: (number: number) => Promise<void>) {
    this.#engine = engine;
    this.#onContinued = onContinued;
  }

  /** @returns The run in its new history. */
  async next(run: Run, input: Uint8Array): Promise<Run> {
    run.closed = true;
    await this.#room;
    try {
      const next = await continueRun(this.#engine, run, input);
      this.#room = this.#onContinued(run.facts.number);
      return next;
    } catch (error) {
      run.replaced(error);
      throw error;
    }
  }
}

/**
 * Ends the history of a run and begins the next one under its id, with the signals nobody has
 * waited for, in one commit. Their ids go with them.
 *
 * @returns The run in its new history.
 */
async function continueRun(engine: Engine, run: Run, input: Uint8Array): Promise<Run> {
  const { number, id, workflow, parent, parentOp, subject, place } = run.facts;
  const { traceparent } = run.progress;
  run.closed = true;
  const version = engine.workflows.named(workflow)?.version ?? run.facts.version;
  const birth = birthOf(engine, {
    ...{ id, workflow, version, input, parent, parentOp, subject, place, traceparent },
  });
  const carried: RunEntry[] = [...run.keptSignals].flatMap(([name, signals]) =>
    signals.map((signal) => ({
      run: birth.run,
      body: { kind: 'signal.received', name, ...signal },
    })),
  );
  // A signal that was sent again counts no more than once, whichever history is there by then.
  for (const signal of run.progress.signalIds) birth.run.progress.signalIds.add(signal);
  const signals = [
    layout.earlierSignals(number, undefined),
    ...(run.progress.signalIds.size === 0
      ? []
      : [layout.earlierSignals(birth.run.facts.number, run.progress.signalIds)]),
  ];
  const timers: StoreOp[] = [...run.ops.values()]
    .filter((op) => op.due !== undefined)
    .map((op) => layout.timer(number, op.number, undefined));
  const body = { kind: 'run.continued', input } as const;
  const ended = { ...recordOf(run, 'completed'), n: run.n + 1, isContinued: true };
  const record = { ...ended, hasContents: ended.hasContents || sealOf(body, run) !== undefined };
  try {
    await engine.runJournal.appendAll(
      [{ run, body }, birth.entry, ...carried],
      [...layout.finalRecord(number, record), ...timers, ...signals, ...birth.ops],
    );
  } catch (error) {
    unborn(engine, birth);
    run.closed = false;
    throw error;
  }
  engine.tracing.runEnded(run, 'continued');
  engine.residents.evict(run);
  engine.states.forget(number);
  return birth.run;
}
