import { numberOf, openRun, type Engine } from './engine.ts';
import type { Rider } from './rider.ts';
import type { RunEffects } from './run-effects.ts';
import type { RunEntryBody } from './run-journal.ts';
import type { Run } from './run.ts';

export interface CancelRun {
  readonly run: string;
  readonly reason: string;
  /** It ends at once, and none of its code runs. */
  readonly force?: boolean | undefined;
  /** Rides with the commit that has it. */
  readonly rider?: Rider | undefined;
}

/** What cancelling asks of the runtime. */
export interface CancelHost {
  readonly effects: RunEffects;
  /** Cancels another run, or this one once more. */
  cancel(request: CancelRun): Promise<void>;
}

/** Cancels a run, and its children with it. Durable once it resolves; see `Runtime.cancel`. */
export async function cancelRun(
  engine: Engine,
  host: CancelHost,
  request: CancelRun,
): Promise<void> {
  const number = await numberOf(engine, request.run);
  const record = await engine.store.record(number);
  if (record?.state === 'cancelled') return;
  const run = await openRun(engine, request.run);
  await run.untilLive().catch(ignore);
  if (run.closed && run.stuck === undefined) return host.cancel(request);
  const reason = request.reason.slice(0, 1_024);
  const children = [...run.progress.children.values()];
  const { rider } = request;
  if (request.force === true || run.stuck !== undefined) {
    await host.effects.end(run, { kind: 'run.cancelled', reason }, 'cancelled', { rider });
  } else if (!run.progress.isCancelRequested) {
    const body = { kind: 'cancel.requested', reason } as const;
    // Clean-up is to run: a run that is held is let go in the same commit. What is to be undone
    // though nobody knows its outcome is known by then.
    const before: RunEntryBody[] = run.progress.isPaused ? [{ kind: 'run.resumed' }] : [];
    const entries = [...before, ...doubts(run), body].map((each) => ({ run, body: each }));
    await engine.runJournal.appendAll(entries, [], rider);
  }
  for (const child of children) {
    const { force } = request;
    const withIt = { run: child, reason: `with ${request.run}`, force };
    await host.cancel(withIt).catch(ignore);
  }
}

const ignore = (): void => undefined;

/** Steps at work that can be undone: if they are cancelled now, they may have had their effect. */
function doubts(run: Run): RunEntryBody[] {
  return run.open().flatMap((op): RunEntryBody[] => {
    const { request, number, attempts } = op;
    if (request.kind !== 'step' || !request.compensate || !op.executing || op.inDoubt) return [];
    return [{ kind: 'step.started', op: number, name: request.name, attempt: attempts + 1 }];
  });
}
