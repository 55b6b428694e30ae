import { inspect } from 'node:util';
import {
  HoldfastError,
  decodeEntry,
  decodeValue,
  encodeValue,
  equalBytes,
  messageOf,
  unhex,
  withValue,
  type Entry,
  type EntryOf,
} from '@holdfast/protocol';
import { forgetRetried } from '../core/repair.ts';
import type { RunFacts } from '../core/run-facts.ts';
import type { RunHost } from '../core/run-host.ts';
import { Run } from '../core/run.ts';
import type { HistoryView } from '../core/views.ts';
import type { Workflow } from '../core/workflow.ts';
import { turn } from './abort.ts';

/** Where code and history part. */
export interface Parting {
  /** Position in the history, from 0; `undefined`: where the history has ended. */
  readonly n: number | undefined;
  /** What the history has there, and what the code does. */
  readonly expected: string;
  readonly came: string;
}

/** Whether a history and the code agree, and where they part. */
export interface ReplayReport {
  /** Whether the code does what the history says, as far as it goes. */
  readonly matches: boolean;
  readonly parting: Parting | undefined;
  /** Entries that were handed to the code. */
  readonly entries: number;
  /** What the code waits for behind the history, as `step authorize`; empty: it has ended. */
  readonly open: readonly string[];
}

/** The parts of `holdfast workflow export` that a replay needs. */
export type ReplayHistory = Pick<HistoryView, 'schema' | 'run' | 'entries'>;

/**
 * Hands a history to the code and says where the two part: whether a run on some device can go on
 * with the code as it is now. No step is executed and nothing is journaled.
 *
 * @param history What `holdfast workflow export` or `TestRun.export` gave.
 * @throws HF_INPUT_INVALID for what is no history.
 */
export async function replay(
  history: ReplayHistory,
  // Its input is what the history has, whatever its type.
  workflow: Workflow<never, unknown>,
): Promise<ReplayReport> {
  const entries = forgetRetried(read(history));
  const [started] = entries;
  if (started?.kind !== 'run.started') throw invalid('it does not begin with run.started');
  if (started.workflow !== workflow.name) {
    throw invalid(`it is of workflow ${started.workflow}, not of ${workflow.name}`);
  }
  const run = new Run(factsOf(started), workflow, bystander);
  run.feed(entries);
  while (run.hasWork) {
    run.drive();
    await new Promise<void>(turn);
    run.endTurn();
  }
  const parting = partingOf(run) ?? endParting(run, entries);
  return {
    ...{ matches: parting === undefined, parting, entries: entries.length },
    open: openOf(run),
  };
}

function openOf(run: Run): string[] {
  return run.open().map(({ request }) => `${request.kind} ${request.name}`);
}

function read(history: ReplayHistory): readonly Entry[] {
  const { schema }: { readonly schema: string } = history;
  if (schema !== 'holdfast.history/1') throw invalid(`its schema is ${schema}`);
  try {
    return history.entries.map(({ bytes, content }) => {
      const entry = decodeEntry(unhex(bytes));
      return content === undefined ? entry : withValue(entry, unhex(content));
    });
  } catch (cause) {
    throw invalid(messageOf(cause), cause);
  }
}

function invalid(why: string, cause?: unknown): HoldfastError {
  return new HoldfastError('HF_INPUT_INVALID', { why: `the history: ${why}`, cause });
}

function factsOf(started: EntryOf<'run.started'>): RunFacts {
  const { run: id, uid, workflow, version, parent, parentOp, atMs } = started;
  const origin = { parent, parentOp, subject: '', place: 0 };
  return { number: 0, id, uid, workflow, version, startedAtMs: atMs, ...origin };
}

/** Does nothing of what the code asks for. */
const bystander: RunHost = {
  begin: () => undefined,
  abandoned: () => undefined,
  doubted: () => undefined,
  returned: () => undefined,
  log: () => undefined,
};

function partingOf({ stuck }: Run): Parting | undefined {
  if (stuck === undefined) return undefined;
  const { n, expected, came } = stuck.details;
  return {
    n: typeof n === 'number' ? n : undefined,
    expected: typeof expected === 'string' ? expected : 'something that can be read',
    came: typeof came === 'string' ? came : stuck.message,
  };
}

/** Code that goes on where the history has ended, or ends in another way. */
function endParting(run: Run, entries: readonly Entry[]): Parting | undefined {
  const last = entries.at(-1);
  const n = last && 'n' in last ? last.n : undefined;
  const came = endOf(run);
  if (last?.kind === 'run.completed') {
    const { outcome } = run;
    const isSame = outcome?.kind === 'returned' && hasValue(outcome.value, last.output);
    if (isSame) return undefined;
    return { n, expected: `it returns ${inspect(decodeValue(last.output))}`, came };
  }
  if (last?.kind !== 'run.failed') return undefined;
  const expected = decodeValue(last.error);
  const isSame = run.outcome?.kind === 'threw' && isSameError(expected, run.outcome.error);
  return isSame ? undefined : { n, expected: `it throws ${messageOf(expected)}`, came };
}

function endOf(run: Run): string {
  const { outcome } = run;
  switch (outcome?.kind) {
    case 'returned':
      return `it returns ${inspect(outcome.value)}`;
    case 'threw':
      return `it throws ${messageOf(outcome.error)}`;
    case 'continues':
      return 'it goes on in a new history';
    default:
      return ['it goes on with', ...openOf(run)].join(' ');
  }
}

function hasValue(value: unknown, encoded: Uint8Array): boolean {
  try {
    return equalBytes(encodeValue(value), encoded);
  } catch {
    return false; // It cannot even be stored.
  }
}

function isSameError(expected: unknown, came: unknown): boolean {
  return messageOf(expected) === messageOf(came);
}
