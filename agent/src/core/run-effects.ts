import {
  HoldfastError,
  encodeThrown,
  encodeValue,
  messageOf,
  type StoreOp,
} from '@holdfast/protocol';
import type { Op } from './op.ts';
import type { RuntimePorts } from './ports.ts';
import type { Run, RunHost } from './run.ts';
import { recordOf, type RunAppend, type RunEntryBody, type RunJournal } from './run-journal.ts';
import { layout } from './run-store.ts';
import { runStep } from './step.ts';
import type { Timers } from './timers.ts';
import type { RunState } from './views.ts';

export interface RunEffectsParts {
  readonly ports: RuntimePorts;
  readonly journal: RunJournal;
  readonly timers: Timers;
  /** A run's final entry is durable. */
  readonly onEnded: (run: Run, state: RunState) => void;
  /** A run's code has ended outside of its turns. */
  readonly onReturned: (run: Run) => void;
  /** Something went wrong that is nobody's expected failure. */
  readonly onFault: (run: Run, error: unknown) => void;
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
    if (kind === 'step') {
      if (!op.attempting) this.begin(run, op);
      return;
    }
    const timer = { op: op.number, dueAtMs: undefined };
    await this.#parts.journal.append(run, { kind: 'timer.fired', op: op.number, name }, { timer });
  }

  /** Journals the end of a run whose code has ended. */
  async finish(run: Run): Promise<void> {
    const { outcome } = run;
    if (outcome === undefined) return;
    if (outcome.kind === 'threw') return this.#fail(run, outcome.error);
    try {
      const output = encodeValue(outcome.value, 'output');
      await this.end(run, { kind: 'run.completed', output }, 'completed');
    } catch (error) {
      if (!(error instanceof HoldfastError) || !error.code.startsWith('HF_VALUE_')) throw error;
      await this.#fail(run, error);
    }
  }

  /**
   * Ends a run: aborts what it does, journals the final entry, drops its timers. Durable once it
   * resolves.
   */
  async end(run: Run, body: RunEntryBody, state: RunState, options: RunAppend = {}): Promise<void> {
    const { number } = run.facts;
    run.closed = true;
    const open = run.open();
    for (const op of open) op.abort?.abort(new HoldfastError('HF_RUN_CANCELLED'));
    const dropped = [...run.ops.values()].filter((op) => op.dueAtMs > 0);
    const ops: StoreOp[] = dropped.map((op) => layout.timer(number, op.number, undefined));
    try {
      const updatedAtMs = this.#parts.ports.clock.nowMs();
      const record = { ...recordOf(run, state), ...restful, n: run.n + 1, updatedAtMs };
      const final = layout.finalRecord(number, record);
      run.parked = false; // The final record takes the place of the one that says it waits.
      await this.#parts.journal.append(run, body, {
        ...options,
        ops: [...(options.ops ?? []), ...ops, ...final],
      });
    } catch (error) {
      run.closed = false;
      throw error;
    }
    for (const op of dropped) this.#parts.timers.disarm(number, op.number);
    this.#parts.onEnded(run, state);
  }

  #fail(run: Run, error: unknown): Promise<void> {
    this.#parts.ports.log.info('run failed', { run: run.id, why: messageOf(error) });
    return this.end(run, { kind: 'run.failed', error: encodeThrown(error) }, 'failed');
  }

  async #begin(run: Run, op: Op): Promise<void> {
    const { request, number } = op;
    const { journal } = this.#parts;
    switch (request.kind) {
      case 'step':
        return this.#beginStep(run, op);
      case 'emit': {
        const { name, payload, lane } = request;
        const body = { kind: 'event.emitted', op: number, name, payload } as const;
        return journal.appendOwn(run, body, { lane });
      }
      case 'status': {
        const { name, status } = request;
        return journal.appendOwn(run, { kind: 'run.status', op: number, name, status });
      }
      case 'sleep':
        return this.#setTimer(run, op, request.durationMs);
      case 'wait':
        return request.timeoutMs === undefined
          ? undefined
          : this.#setTimer(run, op, request.timeoutMs);
      case 'call':
        return this.#requestCall(run, op);
    }
  }

  async #beginStep(run: Run, op: Op): Promise<void> {
    if (op.request.kind !== 'step') return;
    const { clock } = this.#parts.ports;
    // After a restart the pause between two attempts goes on, it does not begin again.
    const pauseMs = op.dueAtMs - clock.nowMs();
    if (pauseMs > 0) {
      this.#parts.timers.arm(run.facts.number, op.number, pauseMs);
      return;
    }
    await runStep(this.#parts, run, op, op.request);
  }

  async #setTimer(run: Run, op: Op, delayMs: number): Promise<void> {
    const { journal, timers, ports } = this.#parts;
    const dueAtMs = ports.clock.nowMs() + delayMs;
    const { name } = op.request;
    op.dueAtMs = dueAtMs;
    timers.arm(run.facts.number, op.number, delayMs);
    const timer = { op: op.number, dueAtMs };
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
    if (timeoutMs !== undefined) timers.arm(run.facts.number, number, timeoutMs);
    const timer = timeoutMs === undefined ? undefined : { op: number, dueAtMs: expiresAtMs };
    const key = `${run.uid}/${number}`;
    const body = { kind: 'call.requested', op: number, name, key, expiresAtMs, input } as const;
    await journal.appendOwn(run, body, { lane: 'urgent', timer });
  }
}
