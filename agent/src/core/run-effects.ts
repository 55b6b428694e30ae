import {
  HoldfastError,
  codeOf,
  encodeThrown,
  encodeValue,
  messageOf,
  type StoreOp,
} from '@holdfast/protocol';
import type { Conditions } from './conditions.ts';
import { WALL, type Instant } from './device-time.ts';
import { abortOp, type Op } from './op.ts';
import type { RuntimePorts } from './ports.ts';
import type { RunHost } from './run-host.ts';
import type { Run } from './run.ts';
import {
  recordOf,
  type RunAppend,
  type RunEntry,
  type RunEntryBody,
  type RunJournal,
} from './run-journal.ts';
import { sealOf } from './run-seals.ts';
import { layout } from './run-store.ts';
import type { StepGate } from './step-gate.ts';
import { runStep, type StepRequest } from './step.ts';
import type { Timers } from './timers.ts';
import type { Tracing } from './tracing.ts';
import type { RunState } from './views.ts';

export interface RunEffectsParts {
  readonly ports: RuntimePorts;
  readonly journal: RunJournal;
  readonly timers: Timers;
  readonly conditions: Conditions;
  readonly gate: StepGate;
  readonly tracing: Tracing;
  /** A run's final entry is durable. */
  readonly onEnded: (run: Run, state: RunState) => void;
  /** A run's code has ended outside of its turns. */
  readonly onReturned: (run: Run) => void;
  /** Something went wrong that is nobody's expected failure. */
  readonly onFault: (run: Run, error: unknown) => void;
  /** An operation may go on: a condition that it waited for holds. */
  readonly onReady: (run: number, op: number) => void;
  /** Begins a child run. */
  readonly beginChild: (run: Run, op: Op) => Promise<void>;
  /** Its code has cancelled a child of it. */
  readonly cancelChild: (run: Run, child: string) => void;
  /** What the parent of this run is to be told with its end. */
  readonly toParent: (run: Run, body: RunEntryBody) => Promise<readonly RunEntry[]>;
  /** Ends this history and begins the next with that input. */
  readonly continueRun: (run: Run, input: Uint8Array) => Promise<void>;
}

/** A run that has ended is at nothing and waits for nothing. */
const restful = { at: '', attempt: 0, nextAtMs: 0 } as const;

/** What runs do to the world: the first effect of each operation, and their end. */
export class RunEffects implements RunHost {
  readonly #parts: RunEffectsParts;

  constructor(parts: RunEffectsParts) {
    this.#parts = parts;
  }

  begin(run: Run, op: Op): void {
    this.#begin(run, op).catch((error: unknown) => this.#parts.onFault(run, error));
  }

  abandoned(run: Run, op: Op): void {
    if (op.due !== undefined) this.#parts.timers.disarm(run.facts.number, op.number);
    const child = run.progress.children.get(op.number);
    if (child !== undefined) this.#parts.cancelChild(run, child);
  }

  doubted(run: Run, op: Op): void {
    const attempt = op.attempts + 1;
    const body = { kind: 'step.started', op: op.number, name: op.request.name, attempt } as const;
    const noted = this.#parts.journal.appendOwn(run, body);
    noted.catch((error: unknown) => this.#parts.onFault(run, error));
  }

  returned(run: Run): void {
    this.#parts.onReturned(run);
  }

  log(run: Run, message: string, fields: Readonly<Record<string, unknown>>): void {
    this.#parts.ports.log.info(message, { run: run.id, workflow: run.workflow, ...fields });
  }

  /** What an armed timer does once it is due. */
  async due(run: Run, op: Op): Promise<void> {
    const { kind, name } = op.request;
    if (op.settled || run.closed) return;
    if (op.due !== undefined && this.#parts.ports.clock.untilMs(op.due) > 0) {
      // The wall clock went slower than the other one, or is not believed any more.
      return this.#parts.timers.arm(run.facts.number, op.number, op.due);
    }
    if (kind === 'step') {
      if (!op.attempting && !op.handed && !run.paused) this.begin(run, op);
      else if (run.paused) op.begun = false;
      return;
    }
    const timer = { op: op.number, due: undefined };
    const call = run.progress.call(op.number);
    await this.#parts.journal.append(run, { kind: 'timer.fired', op: op.number, name }, { timer });
    if (call === undefined) return;
    const error = new HoldfastError('HF_CALL_TIMEOUT', { why: name });
    this.#parts.tracing.callEnded(run, op.number, { ...call, error });
  }

  /** Journals the end of a run whose code has ended. */
  async finish(run: Run): Promise<void> {
    const { outcome } = run;
    if (outcome === undefined) return;
    if (outcome.kind === 'continues') {
      // A cancellation that came after its code had gone on still ends it.
      const { reason } = run.scope;
      if (reason !== undefined) return this.#threw(run, reason);
      return this.#parts.continueRun(run, outcome.input).catch((error: unknown) => {
        if (codeOf(error) !== 'HF_VALUE_TOO_LARGE') throw error;
        return this.#threw(run, error);
      });
    }
    if (outcome.kind === 'threw') return this.#threw(run, outcome.error);
    try {
      const output = encodeValue(outcome.value, 'output');
      await this.end(run, { kind: 'run.completed', output }, 'completed');
    } catch (error) {
      if (!(error instanceof HoldfastError) || !error.code.startsWith('HF_VALUE_')) throw error;
      await this.#threw(run, error);
    }
  }

  /**
   * Ends a run: aborts what it does, journals the final entry, drops its timers. Durable once it
   * resolves.
   */
  async end(run: Run, body: RunEntryBody, state: RunState, options: RunAppend = {}): Promise<void> {
    const { number } = run.facts;
    run.closed = true;
    const dropped = [...run.ops.values()].filter((op) => op.due !== undefined);
    for (const op of run.open()) abortOp(op, new HoldfastError('HF_RUN_CANCELLED'));
    try {
      const parent = await this.#parts.toParent(run, body);
      const updatedAtMs = this.#parts.ports.clock.nowMs();
      const ended = { ...recordOf(run, state), ...restful, n: run.n + 1, updatedAtMs };
      const hasContents = ended.hasContents || sealOf(body, run) !== undefined;
      const record = { ...ended, hasContents };
      const timers: StoreOp[] = dropped.map((op) => layout.timer(number, op.number, undefined));
      const ops = [...timers, ...layout.finalRecord(number, record), ...(options.ops ?? [])];
      const others = [...parent, ...(options.with ?? [])];
      await this.#parts.journal.append(run, body, { ...options, ops, with: others });
    } catch (error) {
      run.closed = false;
      throw error;
    }
    for (const op of dropped) this.#parts.timers.disarm(number, op.number);
    this.#parts.tracing.runEnded(run, state, body);
    this.#parts.onEnded(run, state);
  }

  #threw(run: Run, error: unknown): Promise<void> {
    const cancelled = run.scope.reason;
    const isCancelled = cancelled?.code === 'HF_RUN_CANCELLED';
    if (isCancelled && codeOf(error) !== 'HF_COMPENSATION_FAILED') {
      const reason = cancelled.why ?? '';
      return this.end(run, { kind: 'run.cancelled', reason }, 'cancelled');
    }
    const why = run.progress.isPrivate ? (codeOf(error) ?? 'withheld') : messageOf(error);
    this.#parts.ports.log.info('run failed', { run: run.id, why });
    return this.end(run, { kind: 'run.failed', error: encodeThrown(error) }, 'failed');
  }

  #begin(run: Run, op: Op): Promise<void> {
    const { request, number } = op;
    const { journal } = this.#parts;
    switch (request.kind) {
      case 'step':
        return this.#beginStep(run, op, request);
      case 'child':
        return this.#parts.beginChild(run, op);
      case 'emit': {
        const { name, payload, lane, seal } = request;
        const body = { kind: 'event.emitted', op: number, name, payload, seal } as const;
        return journal.appendOwn(run, body, { lane });
      }
      case 'status': {
        const { name, status } = request;
        return journal.appendOwn(run, { kind: 'run.status', op: number, name, status });
      }
      case 'patch':
        return journal.appendOwn(run, { kind: 'patch.marked', op: number, name: request.name });
      case 'sleep':
        return this.#sleep(run, op);
      case 'wait':
        return request.timeoutMs === undefined
          ? Promise.resolve()
          : this.#setTimer(run, op, request.timeoutMs);
      case 'call':
        return this.#requestCall(run, op);
    }
  }

  #beginStep(run: Run, op: Op, request: StepRequest): Promise<void> {
    const { policy } = request;
    const mayWait = policy.when.length > 0 || policy.poll !== undefined || op.due !== undefined;
    const isPlain = !mayWait && !(op.inDoubt && policy.atMostOnce);
    return isPlain ? runStep(this.#parts, run, op, request) : this.#waitAndBegin(run, op, request);
  }

  /** Runs the body of a step, if nothing has to be waited for before. */
  async #waitAndBegin(run: Run, op: Op, request: StepRequest): Promise<void> {
    const { ports, timers, journal } = this.#parts;
    const { number } = run.facts;
    const { name, policy } = request;
    if (op.inDoubt && policy.atMostOnce) return this.#interrupted(run, op);
    const { clock } = ports;
    if (policy.poll?.timeoutMs !== undefined) {
      if (op.deadline === undefined) {
        op.deadline = clock.after(policy.poll.timeoutMs);
        const body = { op: op.number, name, dueAtMs: clock.nowMs() + policy.poll.timeoutMs };
        await journal.appendOwn(run, { kind: 'timer.set', ...body });
      } else if (clock.untilMs(op.deadline) <= 0) {
        const timer = { op: op.number, due: undefined };
        return journal.appendOwn(run, { kind: 'timer.fired', op: op.number, name }, { timer });
      }
    }
    // After a restart the pause between two attempts goes on, it does not begin again.
    const pauseMs = op.due === undefined ? 0 : clock.untilMs(op.due);
    if (op.due !== undefined && pauseMs > 0) return timers.arm(number, op.number, op.due);
    if (policy.when.length > 0 && (await this.#waitsForCondition(run, op, request))) return;
    await runStep(this.#parts, run, op, request);
  }

  /** @returns Whether a condition does not hold; then it is waited for. */
  async #waitsForCondition(run: Run, op: Op, request: StepRequest): Promise<boolean> {
    const { conditions, journal, onReady } = this.#parts;
    const { number } = run.facts;
    try {
      op.awaits = await conditions.firstUnmet(request.policy.when);
    } catch (error) {
      const entry = { op: op.number, name: request.name, attempt: op.attempts };
      await journal.appendOwn(run, { kind: 'step.failed', ...entry, error: encodeThrown(error) });
      return true;
    }
    if (op.settled || run.closed) return true;
    if (op.awaits === undefined) return false;
    conditions.wait(op.awaits, () => onReady(number, op.number));
    this.#parts.onReturned(run); // It may be put away now: nothing of it is at work.
    return true;
  }

  #interrupted(run: Run, op: Op): Promise<void> {
    const { name } = op.request;
    const error = new HoldfastError('HF_STEP_INTERRUPTED', { why: name });
    const entry = { op: op.number, name, attempt: op.attempts + 1, error: encodeThrown(error) };
    return this.#parts.journal.appendOwn(run, { kind: 'step.failed', ...entry });
  }

  #sleep(run: Run, op: Op): Promise<void> {
    const { request } = op;
    if (request.kind !== 'sleep') return Promise.resolve();
    const { until } = request;
    if (until.kind === 'after') return this.#setTimer(run, op, until.ms);
    return this.#arm(run, op, { due: { boot: WALL, ms: until.ms }, dueAtMs: until.ms });
  }

  #setTimer(run: Run, op: Op, delayMs: number): Promise<void> {
    const { clock } = this.#parts.ports;
    const dueAtMs = clock.nowMs() + delayMs;
    return this.#arm(run, op, { due: clock.after(delayMs), dueAtMs });
  }

  async #arm(run: Run, op: Op, { due, dueAtMs }: { due: Instant; dueAtMs: number }): Promise<void> {
    const { journal, timers } = this.#parts;
    const { name } = op.request;
    op.due = due;
    op.dueAtMs = dueAtMs;
    timers.arm(run.facts.number, op.number, due);
    const timer = { op: op.number, due };
    const body = { kind: 'timer.set', op: op.number, name, dueAtMs } as const;
    await journal.appendOwn(run, body, { timer });
  }

  async #requestCall(run: Run, op: Op): Promise<void> {
    const { request, number } = op;
    if (request.kind !== 'call') return;
    const { journal, timers, ports } = this.#parts;
    const { name, input, timeoutMs } = request;
    const expiresAtMs = timeoutMs === undefined ? 0 : ports.clock.nowMs() + timeoutMs;
    op.dueAtMs = expiresAtMs;
    op.due = timeoutMs === undefined ? undefined : ports.clock.after(timeoutMs);
    if (op.due !== undefined) timers.arm(run.facts.number, number, op.due);
    const timer = op.due && { op: number, due: op.due };
    const key = `${run.uid}/${number}`;
    const traceparent = this.#parts.tracing.ofCall(run, number);
    const call = { op: number, name, key, expiresAtMs, input, traceparent };
    const body = { kind: 'call.requested', ...call } as const;
    await journal.appendOwn(run, body, { lane: 'urgent', timer });
  }
}
