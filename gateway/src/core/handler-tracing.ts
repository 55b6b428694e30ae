import {
  codeOf,
  formatTraceparent,
  hex,
  messageOf,
  parseTraceparent,
  type Clock,
  type Log,
  type TraceContext,
  type Tracer,
} from '@holdfast/protocol';
import type { PendingCall } from './call.ts';

export interface HandlerTracingParts {
  /** Absent: calls bring their place in a trace to the handler, and no span is made. */
  readonly tracer?: Tracer | undefined;
  readonly randomBytes: (length: number) => Uint8Array;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly log: Log;
}

/** An attempt of a handler in its trace. */
export interface TracedAttempt {
  /** What the handler passes on; `undefined`: it belongs to no trace. */
  readonly traceparent: string | undefined;
  /** Runs the handler where spans of others become children of the attempt. */
  within<T>(body: () => T): T;
  /** It is over. @param failure What it failed with; nothing: it did not. */
  end(failure?: { readonly error: unknown }): void;
}

/** Gives what handlers do a place in the traces of the runs that called them. */
export class HandlerTracing {
  readonly #parts: HandlerTracingParts;

  constructor(parts: HandlerTracingParts) {
    this.#parts = parts;
  }

  begin(call: PendingCall, attempt: number): TracedAttempt {
    const { tracer, clock } = this.#parts;
    // Only what is one goes on: it becomes a header, and it came from a device.
    const caller = parseTraceparent(call.traceparent);
    if (tracer === undefined || caller?.isSampled === false) {
      const traceparent = caller === undefined ? undefined : call.traceparent;
      return { traceparent, within: (body) => body(), end: () => {} };
    }
    const own = this.#own(caller);
    const startAtMs = clock.nowMs();
    return {
      traceparent: formatTraceparent(own),
      within: (body) => (tracer.within === undefined ? body() : tracer.within(own, body)),
      end: (failure) => this.#ended(call, { own, caller, attempt, startAtMs, failure }),
    };
  }

  /** An attempt that is made again is another one. */
  #own(caller: TraceContext | undefined): TraceContext {
    const { randomBytes } = this.#parts;
    const traceId = caller?.traceId ?? hex(randomBytes(16));
    return { traceId, spanId: hex(randomBytes(8)), isSampled: true };
  }

  #ended(
    call: PendingCall,
    span: {
      readonly own: TraceContext;
      readonly caller: TraceContext | undefined;
      readonly attempt: number;
      readonly startAtMs: number;
      readonly failure: { readonly error: unknown } | undefined;
    },
  ): void {
    const { tracer, clock, log } = this.#parts;
    const { own, caller, attempt, startAtMs, failure } = span;
    const { device, run, service, isPrivate } = call;
    try {
      tracer?.ended({
        ...{ name: `handler ${service}`, kind: 'server', links: [] },
        ...{ traceId: own.traceId, spanId: own.spanId, parentSpanId: caller?.spanId },
        // A clock that was set back ends nothing before it began.
        ...{ startAtMs, endAtMs: Math.max(startAtMs, clock.nowMs()) },
        attributes: {
          'holdfast.device': device,
          'holdfast.run': run,
          'holdfast.service': service,
          'holdfast.attempt': attempt,
        },
        error: failure === undefined ? undefined : textOf(failure.error, isPrivate),
      });
    } catch (error) {
      log.error('the tracer failed', { why: messageOf(error) });
    }
  }
}

/** What is said of a call about somebody stays here. */
function textOf(error: unknown, isPrivate: boolean): string {
  return isPrivate ? (codeOf(error) ?? 'withheld') : messageOf(error);
}
