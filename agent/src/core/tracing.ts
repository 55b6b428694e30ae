import {
  codeOf,
  decodeValue,
  encodeValue,
  formatTraceparent,
  hex,
  messageOf,
  parseTraceparent,
  type TraceContext,
  type TraceSpan,
} from '@holdfast/protocol';
import type { RuntimePorts } from './ports.ts';
import type { Run } from './run.ts';
import type { RunEntryBody } from './run-journal.ts';
import type { RunState } from './views.ts';

interface Ended {
  readonly name: string;
  readonly kind?: TraceSpan['kind'];
  readonly startAtMs: number;
  readonly endAtMs?: number;
  readonly attributes?: TraceSpan['attributes'];
  readonly links?: TraceSpan['links'];
  readonly error?: string | undefined;
}

/** An attempt of a step. */
export interface TracedAttempt {
  readonly op: number;
  readonly name: string;
  readonly attempt: number;
}

/**
 * Gives what runs do a place in traces. Ids are digests of what the journal has: an attempt that a
 * crash repeats is the same span, and a run is the parent of what it did in every life.
 */
export class Tracing {
  readonly #ports: RuntimePorts;
  readonly #device: string;

  constructor(ports: RuntimePorts, device: string) {
    this.#ports = ports;
    this.#device = device;
  }

  /** What a run passes on to what it begins; empty: it belongs to no trace. */
  traceparentOf(run: Run): string {
    // Without a tracer there is no span of the run, so that its parent is passed on.
    if (this.#ports.tracer === undefined) return run.progress.traceparent;
    return formatTraceparent(this.#ofRun(run));
  }

  /** The same for the handler of a call. */
  ofCall(run: Run, op: number): string {
    if (this.#ports.tracer === undefined) return run.progress.traceparent;
    return formatTraceparent(this.#within(run, op));
  }

  ofAttempt(run: Run, op: number, attempt: number): TraceContext | undefined {
    if (this.#ports.tracer === undefined) return parseTraceparent(run.progress.traceparent);
    return this.#within(run, op, attempt);
  }

  /** Runs the body of a step in its place in the trace. */
  within<T>(context: TraceContext | undefined, body: () => T): T {
    const { tracer } = this.#ports;
    if (tracer?.within === undefined || context === undefined) return body();
    return tracer.within(context, body);
  }

  /** A run has ended. `body`: its last entry. */
  runEnded(run: Run, state: RunState | 'continued', body?: RunEntryBody): void {
    if (this.isOff) return;
    const { retries, traceparent } = run.progress;
    const parent = retries === 0 ? parseTraceparent(traceparent) : this.#at(run, []);
    this.#end(run, this.#ofRun(run), parent, {
      name: `run ${run.workflow}`,
      startAtMs: run.facts.startedAtMs,
      attributes: { 'holdfast.state': state },
      error: body?.kind === 'run.failed' ? errorText(run, decodeValue(body.error)) : undefined,
    });
  }

  /** An attempt has ended, `tookMs` after it began, and that is journaled. */
  attemptEnded(run: Run, each: TracedAttempt, outcome: { tookMs: number; error?: unknown }): void {
    if (this.isOff) return;
    const { op, name, attempt } = each;
    const endAtMs = this.#ports.clock.nowMs();
    this.#end(run, this.#within(run, op, attempt), this.#ofRun(run), {
      name: `step ${name}`,
      startAtMs: endAtMs - outcome.tookMs,
      endAtMs,
      attributes: { 'holdfast.step': name, 'holdfast.operation': op, 'holdfast.attempt': attempt },
      error: 'error' in outcome ? errorText(run, outcome.error) : undefined,
    });
  }

  /** A call has its result, or has failed with `error`. */
  callEnded(
    run: Run,
    op: number,
    call: { readonly name: string; readonly atMs: number; readonly error?: unknown },
  ): void {
    if (this.isOff) return;
    this.#end(run, this.#within(run, op), this.#ofRun(run), {
      name: `call ${call.name}`,
      kind: 'client',
      startAtMs: call.atMs,
      attributes: { 'holdfast.service': call.name, 'holdfast.operation': op },
      error: 'error' in call ? errorText(run, call.error) : undefined,
    });
  }

  /** A run was given a signal. `traceparent`: of its sender, if that is known. */
  signalled(run: Run, signal: { readonly name: string; readonly id: string }, sender?: string) {
    if (this.isOff) return;
    const link = parseTraceparent(sender);
    const context = { ...this.#ofRun(run), spanId: this.#id(run, ['signal', signal.id]) };
    this.#end(run, context, this.#ofRun(run), {
      name: `signal ${signal.name}`,
      startAtMs: this.#ports.clock.nowMs(),
      links: link === undefined ? [] : [{ traceId: link.traceId, spanId: link.spanId }],
    });
  }

  /** Asked before anything is computed: ids are hashes, and most agents have no tracer. */
  get isOff(): boolean {
    return this.#ports.tracer === undefined;
  }

  #end(run: Run, context: TraceContext, parent: TraceContext | undefined, span: Ended): void {
    const { tracer, clock, log } = this.#ports;
    if (tracer === undefined || !context.isSampled) return;
    const { traceId, spanId } = context;
    const { id, workflow, facts } = run;
    const of = { 'holdfast.device': this.#device, 'holdfast.run': id };
    const code = { 'holdfast.workflow': workflow, 'holdfast.version': facts.version };
    try {
      tracer.ended({
        ...{ kind: 'internal', endAtMs: clock.nowMs(), links: [], error: undefined, ...span },
        ...{ traceId, spanId, parentSpanId: parent?.spanId },
        attributes: { ...of, ...code, ...span.attributes },
      });
    } catch (error) {
      log.error('the tracer failed', { run: id, why: messageOf(error) });
    }
  }

  /** The span of a run: a new one each time that a person lets a failed run go on. */
  #ofRun(run: Run): TraceContext {
    const { retries } = run.progress;
    return this.#at(run, retries === 0 ? [] : ['retry', retries]);
  }

  #within(run: Run, ...place: readonly number[]): TraceContext {
    return this.#at(run, ['op', run.progress.retries, ...place]);
  }

  #at(run: Run, place: readonly unknown[]): TraceContext {
    const parent = parseTraceparent(run.progress.traceparent);
    const traceId = parent?.traceId ?? this.#digest(['trace', this.#device, run.uid]).slice(0, 32);
    return { traceId, spanId: this.#id(run, place), isSampled: parent?.isSampled ?? true };
  }

  #id(run: Run, place: readonly unknown[]): string {
    return this.#digest(['span', this.#device, run.uid, ...place]).slice(0, 16);
  }

  #digest(parts: readonly unknown[]): string {
    return hex(this.#ports.sha256(encodeValue(parts)));
  }
}

/**
 * What runs with marks fail with leaves the device by its code only, and a trace leaves it too.
 * What is about somebody could never be erased there.
 */
function errorText(run: Run, error: unknown): string {
  return run.progress.hasContents ? (codeOf(error) ?? 'withheld') : messageOf(error);
}
