import { isSealed, type OpenEntry } from './contents.ts';
import type { RunState } from './views.ts';

/** Where a run stands, as far as a person sees it. */
export interface Standing {
  readonly state: RunState;
  /** Name of the operation it is at; empty: none is known. */
  readonly at: string;
  readonly attempt: number;
  readonly nextAtMs: number;
}

type OpenOp =
  | { readonly kind: 'retrying'; readonly name: string; attempt: number; nextAtMs: number }
  | { readonly kind: 'call'; readonly name: string }
  | { readonly kind: 'timer'; readonly name: string; readonly dueAtMs: number };

/** A call without a result yet. */
export interface OpenCall {
  readonly key: string;
  /** Of the service. */
  readonly name: string;
  /** When it was made, wall time. */
  readonly atMs: number;
}

/**
 * What the history alone tells of a run: which calls and timers are open, what it last said of
 * itself. No code is needed for it, so it also works for a run whose code is gone.
 */
export class Progress {
  /** Encoded value of the last status; empty: none. */
  status: Uint8Array = new Uint8Array(0);
  updatedAtMs = 0;
  readonly signalIds = new Set<string>();
  readonly #open = new Map<number, OpenOp>();
  readonly #calls = new Map<number, OpenCall>();
  /** Children that have not ended: their ids by the operation that began them. */
  readonly children = new Map<number, string>();
  /** Place in a trace of whatever began it; empty: none is known. */
  traceparent = '';
  /** How often a person has let it go on after it had failed. */
  retries = 0;
  isCancelRequested = false;
  /** Something of it does not leave the device as it is. */
  isPrivate = false;
  /** Something of it is sealed: beside its entries there may be contents. */
  hasContents = false;
  #isPaused = false;
  #stuck: { readonly code: string; readonly reason: string } | undefined;
  #final: RunState | undefined;

  add(entry: OpenEntry): void {
    this.updatedAtMs = entry.atMs;
    this.hasContents ||= entry.seal !== undefined || isSealed(entry);
    this.isPrivate ||= entry.seal !== undefined && entry.seal.leaves !== 'all';
    this.#stuck = undefined;
    switch (entry.kind) {
      case 'run.started':
        this.traceparent = entry.traceparent;
        break;
      case 'run.status':
        this.status = entry.status;
        break;
      case 'step.retrying': {
        const { name, attempt, nextAtMs } = entry;
        this.#open.set(entry.op, { kind: 'retrying', name, attempt, nextAtMs });
        break;
      }
      case 'timer.set':
        this.#open.set(entry.op, { kind: 'timer', name: entry.name, dueAtMs: entry.dueAtMs });
        break;
      case 'call.requested':
        this.#open.set(entry.op, { kind: 'call', name: entry.name });
        this.#calls.set(entry.op, { key: entry.key, name: entry.name, atMs: entry.atMs });
        break;
      case 'step.completed':
      case 'step.failed':
      case 'timer.fired':
      case 'call.completed':
      case 'call.failed':
        this.#open.delete(entry.op);
        this.#calls.delete(entry.op);
        break;
      case 'signal.received':
        this.signalIds.add(entry.id);
        break;
      case 'child.started':
        if (!entry.isDetached) this.children.set(entry.op, entry.child);
        break;
      case 'child.completed':
      case 'child.failed':
        this.children.delete(entry.op);
        break;
      case 'cancel.requested':
        this.isCancelRequested = true;
        break;
      case 'run.paused':
      case 'run.resumed':
        this.#isPaused = entry.kind === 'run.paused';
        break;
      case 'run.retried':
        this.retries += 1;
        this.#final = undefined;
        break;
      case 'run.stuck':
        this.#stuck = { code: entry.code, reason: entry.reason };
        break;
      case 'run.completed':
        this.#final = 'completed';
        break;
      case 'run.failed':
        this.#final = 'failed';
        break;
      case 'run.cancelled':
        this.#final = 'cancelled';
        break;
      default:
    }
  }

  get isPaused(): boolean {
    return this.#isPaused;
  }

  /** Why the last thing it did was to get stuck. */
  get stuck(): { readonly code: string; readonly reason: string } | undefined {
    return this.#stuck;
  }

  /** Whether a result for this call, under this key, is still awaited. */
  awaitsCall(op: number, key: string): boolean {
    return this.#final === undefined && this.#calls.get(op)?.key === key;
  }

  /** A call whose result is awaited. */
  call(op: number): OpenCall | undefined {
    return this.#calls.get(op);
  }

  standing(): Standing {
    const none = { at: '', attempt: 0, nextAtMs: 0 };
    if (this.#final !== undefined) return { state: this.#final, ...none };
    if (this.#stuck !== undefined) return { state: 'stuck', ...none };
    if (this.#isPaused) return { state: 'paused', ...none };
    const open = [...this.#open.values()];
    const retrying = open.find((op) => op.kind === 'retrying');
    if (retrying?.kind === 'retrying') {
      const { name, attempt, nextAtMs } = retrying;
      return { state: 'retrying', at: name, attempt, nextAtMs };
    }
    const call = open.find((op) => op.kind === 'call');
    if (call !== undefined) return { state: 'waiting-call', ...none, at: call.name };
    const timer = open.find((op) => op.kind === 'timer');
    if (timer?.kind === 'timer') {
      return { state: 'sleeping', at: timer.name, attempt: 0, nextAtMs: timer.dueAtMs };
    }
    return { state: 'running', ...none };
  }
}
