import { HoldfastError, encodeThrown, type EntryOf } from '@holdfast/protocol';
import { birthOf, unborn, type Engine } from './engine.ts';
import type { Op } from './op.ts';
import type { Run } from './run.ts';
import type { RunEntry, RunEntryBody } from './run-journal.ts';
import { sealOf } from './run-seals.ts';

/** Begins a child: its start and the parent's note of it are one commit. */
export async function beginChild(engine: Engine, run: Run, op: Op): Promise<void> {
  const { request, number } = op;
  if (request.kind !== 'child') return;
  const { name, input, isDetached } = request;
  const id = request.id ?? (await freeId(engine, `${run.id}/${number}`));
  const note = (error: HoldfastError): Promise<void> => {
    const body = { op: number, name, child: id.slice(0, 128), error: encodeThrown(error) };
    return engine.runJournal.appendOwn(run, { kind: 'child.failed', ...body });
  };
  const code = engine.workflows.named(name);
  if (code === undefined) return note(new HoldfastError('HF_WORKFLOW_UNKNOWN', { why: name }));
  if (id.length > 128) return note(new HoldfastError('HF_NAME_INVALID', { why: `run ${id}` }));
  if ((await engine.store.numberOf(id)) !== undefined) {
    return note(new HoldfastError('HF_RUN_CONFLICT', { why: `${id} is there already` }));
  }
  if (run.closed || op.settled) return;
  const { subject } = run.facts;
  const parent = isDetached ? { subject } : { parent: run.id, parentOp: number, subject };
  const { version } = code;
  const traceparent = engine.tracing.traceparentOf(run);
  const birth = birthOf(engine, { id, workflow: name, version, input, ...parent, traceparent });
  const started = { kind: 'child.started', op: number, name, child: id, isDetached } as const;
  try {
    await engine.runJournal.appendAll([{ run, body: started }, birth.entry], birth.ops);
  } catch (error) {
    unborn(engine, birth);
    if (error instanceof HoldfastError && error.code === 'HF_VALUE_TOO_LARGE') return note(error);
    if (!(error instanceof HoldfastError) || error.retry === 'restart') throw error;
  }
}

/**
 * The id of a child that was given none: of its own run and operation, unless an earlier history of
 * that run has begun one there, or an earlier try of a step that was retried.
 */
async function freeId(engine: Engine, base: string): Promise<string> {
  let id = base;
  for (let count = 2; (await engine.store.numberOf(id)) !== undefined; count += 1) {
    id = `${base}~${count}`;
  }
  return id;
}

/** What the parent of a run is told, in the commit that ends the run. */
export async function toParent(
  engine: Engine,
  run: Run,
  body: RunEntryBody,
): Promise<readonly RunEntry[]> {
  const { parent: parentId, parentOp: op, workflow: name } = run.facts;
  if (parentId === '') return [];
  const number = await engine.store.numberOf(parentId);
  if (number === undefined || !engine.states.isOpen(number)) return [];
  const parent = await engine.residents.load(number).catch(() => undefined);
  const isAwaited = parent?.closed === false && parent.progress.children.get(op) === run.id;
  if (parent === undefined || !isAwaited) return [];
  const common = { op, name, child: run.id };
  const seal = sealOf(body, run);
  return [{ run: parent, body: { ...endFor(common, body), seal } }];
}

function endFor(
  common: Pick<EntryOf<'child.completed'>, 'op' | 'name' | 'child'>,
  body: RunEntryBody,
): RunEntryBody {
  if (body.kind === 'run.completed') {
    return { kind: 'child.completed', ...common, result: body.output };
  }
  const error =
    body.kind === 'run.failed'
      ? body.error
      : encodeThrown(new HoldfastError('HF_RUN_CANCELLED', { why: common.child }));
  return { kind: 'child.failed', ...common, error };
}
