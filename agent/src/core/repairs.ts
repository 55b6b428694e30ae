import {
  HoldfastError,
  checkName,
  encodeThrown,
  type Entry,
  type EntryBody,
} from '@holdfast/protocol';
import { birthOf, newId, numberOf, openRun, unborn, type Engine } from './engine.ts';
import { abortOp } from './op.ts';
import { failedOp, forgetRetried, historyBefore } from './repair.ts';
import type { RunEntry, RunEntryBody } from './run-journal.ts';
import { appendWith, type Rider } from './rider.ts';
import type { Run } from './run.ts';
import type { RunRecord } from './run-record.ts';
import { layout } from './run-store.ts';
import { placeOf } from './token.ts';

/** Holds a run: nothing new of it is begun. What is at work ends. Durable once it resolves. */
export async function pauseRun(
  engine: Engine,
  id: string,
  reason: string,
  rider?: Rider,
): Promise<void> {
  const run = await openRun(engine, id);
  if (run.progress.isPaused) return;
  await engine.runJournal.append(run, { kind: 'run.paused', reason }, { rider });
}

export async function resumeRun(engine: Engine, id: string, rider?: Rider): Promise<void> {
  const run = await openRun(engine, id);
  if (!run.progress.isPaused) return;
  await engine.runJournal.append(run, { kind: 'run.resumed' }, { rider });
}

/**
 * Lets a failed run go on from the operation it failed at, a stuck one try its code again, or one
 * that pauses between attempts make the next at once. Durable once it resolves.
 *
 * @throws HF_RUN_UNKNOWN, HF_RUN_STATE
 */
export async function retryRun(
  engine: Engine,
  id: string,
  reason: string,
  rider?: Rider,
): Promise<void> {
  const number = await numberOf(engine, id);
  const record = await engine.store.record(number);
  if (record?.state === 'failed') return reopen(engine, number, { reason, rider });
  if (record === undefined || !engine.states.isOpen(number)) {
    throw new HoldfastError('HF_RUN_STATE', { why: `${id} is ${record?.state ?? 'gone'}` });
  }
  if (record.state === 'stuck') return unstick(engine, number, { record, reason, rider });
  const run = await liveRun(engine, number);
  const pausing = run.open().filter((op) => op.request.kind === 'step' && !op.attempting);
  if (pausing.length === 0) throw new HoldfastError('HF_RUN_STATE', { why: `${id} is at work` });
  for (const op of pausing) {
    op.due = undefined;
    op.dueAtMs = 0;
    op.begun = false;
  }
  run.beginOpen();
}

/** A run in memory whose code has all of its history. @throws HF_RUN_STATE when it is stuck. */
async function liveRun(engine: Engine, number: number): Promise<Run> {
  const run = await engine.residents.load(number);
  await run.untilLive().catch((cause: unknown) => {
    throw new HoldfastError('HF_RUN_STATE', { why: `${run.id} is stuck`, cause });
  });
  return run;
}

interface Retry {
  readonly reason: string;
  /** Rides with the commit that lets it go on. */
  readonly rider: Rider | undefined;
}

async function unstick(
  engine: Engine,
  number: number,
  { record, reason, rider }: Retry & { readonly record: RunRecord },
): Promise<void> {
  const again = { ...record, crashes: 0, stuckCode: '', stuckReason: '' };
  const n = (await engine.store.places(number)).length;
  const body: EntryBody = { kind: 'run.retried', run: record.id, n, op: 0, reason };
  await appendWith(engine.journal, rider, [{ lane: 'normal', run: number, body }], () => [
    layout.openRecord(number, { ...again, state: 'pending', n: n + 1 }),
  ]);
  engine.states.set(number, 'pending');
  await engine.residents.load(number);
}

async function reopen(engine: Engine, number: number, { reason, rider }: Retry): Promise<void> {
  const record = await engine.store.record(number);
  if (record === undefined) throw new HoldfastError('HF_RUN_UNKNOWN', { why: `run ${number}` });
  const history = await engine.store.history(number);
  const op = failedOp(forgetRetried(history));
  const body: EntryBody = { kind: 'run.retried', run: record.id, n: history.length, op, reason };
  await appendWith(engine.journal, rider, [{ lane: 'normal', run: number, body }], () =>
    layout.reopened(number, { ...record, state: 'pending' }),
  );
  engine.states.reopen(number);
  await engine.residents.load(number);
}

/**
 * Gives a step of a run an outcome by hand, instead of its body. Durable once it resolves.
 *
 * @throws HF_RUN_UNKNOWN, HF_RUN_FINISHED, HF_RUN_STATE when no such step is open.
 */
export async function skipStep(
  engine: Engine,
  skip: {
    readonly run: string;
    readonly step: string;
    readonly result: Uint8Array;
    readonly rider?: Rider | undefined;
  },
): Promise<void> {
  const run = await openRun(engine, skip.run);
  await liveRun(engine, run.facts.number);
  const op = run
    .open()
    .find(({ request }) => request.kind === 'step' && request.name === skip.step);
  if (op?.request.kind !== 'step') {
    throw new HoldfastError('HF_RUN_STATE', { why: `${run.id} is not at a step ${skip.step}` });
  }
  abortOp(op, new HoldfastError('HF_RUN_STATE', { why: `${skip.step} was skipped` }));
  const { result } = skip;
  const seal = op.request.sealing('result', result);
  const body = { op: op.number, name: skip.step, attempt: op.attempts, tookMs: 0 };
  await engine.runJournal.append(
    run,
    { kind: 'step.completed', ...body, result, seal },
    { timer: { op: op.number, due: undefined }, rider: skip.rider },
  );
}

/**
 * Starts a new run that begins with what another had done before one of its operations.
 *
 * @param fork.step Name of the operation, or its number. @returns The id of the new run.
 */
export async function forkRun(
  engine: Engine,
  fork: {
    readonly run: string;
    readonly step: string;
    readonly id?: string | undefined;
    readonly rider?: Rider | undefined;
  },
): Promise<string> {
  const number = await numberOf(engine, fork.run);
  const history = await engine.store.history(number);
  const started = history[0];
  if (started?.kind !== 'run.started') {
    throw new HoldfastError('HF_ENTRY_DAMAGED', { why: fork.run });
  }
  const op = opNamed(history, fork.step);
  if (op === undefined) {
    throw new HoldfastError('HF_RUN_STATE', { why: `${fork.run} has no operation ${fork.step}` });
  }
  const id = checkName('run', fork.id ?? newId(engine.ports));
  if ((await engine.store.numberOf(id)) !== undefined) {
    throw new HoldfastError('HF_RUN_CONFLICT', { why: `${id} is there already` });
  }
  const { workflow, version, input } = started;
  const subject = (await engine.store.record(number))?.subject ?? '';
  const birth = birthOf(engine, { id, workflow, version, input, subject });
  const kept = historyBefore(forgetRetried(history), op).map((entry): RunEntry => {
    const {
      run: _,
      n: __,
      atMs: ___,
      boot: ____,
      monoMs: _____,
      ...body
    } = entry as Entry & {
      readonly run: string;
      readonly n: number;
    };
    return { run: birth.run, body: body as RunEntryBody };
  });
  try {
    await engine.runJournal.appendAll([birth.entry, ...kept], birth.ops, fork.rider);
  } catch (error) {
    unborn(engine, birth);
    throw error;
  }
  return id;
}

function opNamed(history: readonly Entry[], step: string): number | undefined {
  for (const entry of history) {
    if (!('op' in entry) || !('name' in entry)) continue;
    if (entry.name === step || String(entry.op) === step) return entry.op;
  }
  return undefined;
}

/**
 * Ends an external step, by the token its body handed out. Durable once it resolves.
 *
 * @throws HF_TOKEN_INVALID when the step does not wait for it, or has ended already.
 */
export async function completeStep(
  engine: Engine,
  token: string,
  outcome: { readonly result: Uint8Array } | { readonly error: unknown },
  rider?: Rider,
): Promise<void> {
  const place = placeOf(token);
  const gone = new HoldfastError('HF_TOKEN_INVALID', { why: 'no open step has it' });
  if (!engine.states.isOpen(place.number)) throw gone;
  const run = await engine.residents.load(place.number);
  if (run.uid !== place.uid) throw gone;
  await liveRun(engine, place.number);
  const op = run.ops.get(place.op);
  if (op?.request.kind !== 'step' || !op.request.policy.external || op.settled) throw gone;
  const { name, sealing } = op.request;
  const common = { op: op.number, name, attempt: op.attempts + 1 };
  if ('result' in outcome) {
    const { result } = outcome;
    const body = { ...common, tookMs: 0, result, seal: sealing('result', result) };
    return engine.runJournal.append(run, { kind: 'step.completed', ...body }, { rider });
  }
  const error = encodeThrown(outcome.error);
  const body = { ...common, error, seal: sealing('error', error) };
  await engine.runJournal.append(run, { kind: 'step.failed', ...body }, { rider });
}
