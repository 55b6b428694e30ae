import { AssertionError } from 'node:assert';
import { inspect, isDeepStrictEqual } from 'node:util';
import { HoldfastError, decodeEntry, messageOf, unhex, type Entry } from '@holdfast/protocol';
import { finalStates } from '../core/views.ts';
import type { Workflow } from '../core/workflow.ts';
import type { Outcome } from './sim-store.ts';
import { TestDevice, type TestDeviceOptions } from './test-device.ts';
import type { TestRun } from './test-run.ts';
import type { StepAttempt } from './watched-workflow.ts';

/** What is run again and again, cut at each of its commits. */
export interface CrashEverywhereOptions<I, O> extends Omit<TestDeviceOptions, 'workflows'> {
  readonly input: NoInfer<I>;
  /** Workflows that it begins as children. */
  readonly workflows?: TestDeviceOptions['workflows'];
  /** Puts the outside world back to where it was: called before each run. */
  readonly before?: () => void | Promise<void>;
  /** What happens to the run from outside, such as signals. Default: nothing. */
  readonly drive?: (run: TestRun<O>, device: TestDevice) => Promise<void>;
  /**
   * What the outside world looks like after a run; it must be the same whether there was a crash or
   * not. Steps happen at least once: leave out what a repeated effect may change.
   */
  readonly effects?: () => unknown;
  /** Whether two outcomes are the same. Default: they are deeply equal. */
  readonly isSame?: (expected: RunEnd, actual: RunEnd) => boolean;
}

/** How a run has ended. */
export interface RunEnd {
  readonly state: string;
  /** What it returned, or the name, code and message of what it threw. */
  readonly outcome: unknown;
}

/** What came of cutting a run at each of its commits. */
export interface CrashReport {
  /** How the run ends, with or without a crash. */
  readonly end: RunEnd;
  /** Places where it was cut, each once: before and after every commit. */
  readonly crashes: number;
}

interface Trial {
  readonly end: RunEnd;
  readonly effects: unknown;
  readonly commits: number;
  /** What the device did last before its power was cut; `undefined`: it was not. */
  readonly after: string | undefined;
}

/**
 * Runs a workflow once undisturbed, and then once for every place where a power cut tells a
 * difference: just before and just after each commit. The device starts again each time, and the
 * run must end in the same way, with the same effects outside, no step that had an outcome done
 * again, and no step that runs at most once begun twice.
 *
 * @throws AssertionError with the place of the cut, what was expected and what came.
 */
export async function crashEverywhere<I, O>(
  workflow: Workflow<I, O>,
  options: CrashEverywhereOptions<I, O>,
): Promise<CrashReport> {
  const undisturbed = await attempt(workflow, options);
  const isSame = options.isSame ?? isDeepStrictEqual;
  let crashes = 0;
  for (let commit = 1; commit <= undisturbed.commits; commit += 1) {
    for (const outcome of ['lost', 'kept'] as const) {
      // A start that is lost never was: whoever asked for it asks again.
      if (commit === 1 && outcome === 'lost') continue;
      const trial = await attempt(workflow, options, { commit, outcome });
      if (trial.after === undefined) continue;
      crashes += 1;
      const where = `cut at commit ${commit}, ${outcome}, after ${trial.after}`;
      if (!isSame(undisturbed.end, trial.end)) {
        throw differs(`${where}: it ends otherwise`, undisturbed.end, trial.end);
      }
      if (!isDeepStrictEqual(undisturbed.effects, trial.effects)) {
        throw differs(`${where}: its effects differ`, undisturbed.effects, trial.effects);
      }
    }
  }
  return { end: undisturbed.end, crashes };
}

interface Cut {
  readonly commit: number;
  readonly outcome: Outcome;
}

async function attempt<I, O>(
  workflow: Workflow<I, O>,
  options: CrashEverywhereOptions<I, O>,
  cut?: Cut,
): Promise<Trial> {
  await options.before?.();
  const { input, workflows = [], drive, effects } = options;
  const device = await TestDevice.open({ ...options, workflows: [workflow, ...workflows] });
  const first = device.commits;
  if (cut !== undefined) {
    device.cutPowerAtCommit(cut.commit, cut.outcome, () => device.restart());
  }
  const run = await device.start(workflow, input, { id: 'crash-everywhere' });
  await drive?.(run, device);
  const end = await endOf(run);
  const entries = await entriesOf(device);
  checkSteps(device.attempts, entries);
  const after = cut === undefined || device.boots === 1 ? undefined : lastOf(entries, 1);
  return { end, effects: effects?.(), commits: device.commits - first, after };
}

/** The histories of all runs. */
async function entriesOf(device: TestDevice): Promise<readonly Entry[]> {
  const histories = await Promise.all((await device.runs()).map((id) => device.run(id).export()));
  return histories.flatMap(({ entries }) => entries.map((each) => decodeEntry(unhex(each.bytes))));
}

/** What a life journaled last, as `step.completed authorize`. */
function lastOf(entries: readonly Entry[], boot: number): string {
  const last = entries.findLast((entry) => entry.boot === boot);
  if (last === undefined) return 'nothing';
  return 'name' in last ? `${last.kind} ${last.name}` : last.kind;
}

const outcomes: ReadonlySet<Entry['kind']> = new Set(['step.completed', 'step.failed']);

/** What the runtime promises of steps, whatever the code does. */
function checkSteps(attempts: readonly StepAttempt[], entries: readonly Entry[]): void {
  const uids = new Map<string, string>();
  const ended = new Map<string, number>();
  for (const entry of entries) {
    if (entry.kind === 'run.started') uids.set(entry.run, entry.uid);
    else if (outcomes.has(entry.kind) && 'op' in entry) {
      ended.set(`${uids.get(entry.run) ?? ''}/${entry.op}`, entry.boot);
    }
  }
  const once = new Set<string>();
  for (const { idempotencyKey, step, boot, atMostOnce } of attempts) {
    const boots = { outcome: ended.get(idempotencyKey) ?? boot, attempt: boot };
    if (boots.attempt > boots.outcome) {
      throw differs(`step ${step} had an outcome and was begun again`, boots.outcome, boot);
    }
    if (atMostOnce && once.has(idempotencyKey)) {
      throw differs(`step ${step} runs at most once and was begun twice`, 1, 2);
    }
    once.add(idempotencyKey);
  }
}

function differs(message: string, expected: unknown, actual: unknown): AssertionError {
  const shown = `expected ${inspect(expected)}, came ${inspect(actual)}`;
  return new AssertionError({ message: `${message}: ${shown}`, expected, actual });
}

async function endOf(run: TestRun): Promise<RunEnd> {
  try {
    return { state: 'completed', outcome: await run.result() };
  } catch (error) {
    const { state } = await run.status();
    if (!finalStates.has(state)) throw error;
    const { cause } = error instanceof HoldfastError ? error : { cause: undefined };
    return { state, outcome: describe(cause ?? error) };
  }
}

function describe(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const code = 'code' in error ? error.code : undefined;
  return { name: error.name, message: messageOf(error), code };
}
