import type { TraceContext } from './traceparent.ts';

/** Something that has been done, from its begin to its end. */
export interface TraceSpan {
  /** `run checkout`, `step authorize-payment`, `call stock.take`, `handler stock.take`. */
  readonly name: string;
  readonly traceId: string;
  readonly spanId: string;
  /** `undefined`: a trace begins here. */
  readonly parentSpanId: string | undefined;
  /** `client`: another process did it, whose span is of kind `server`. */
  readonly kind: 'internal' | 'client' | 'server';
  /** Wall time, ms since 1970. */
  readonly startAtMs: number;
  readonly endAtMs: number;
  readonly attributes: Readonly<Record<string, string | number>>;
  /** Other traces that led to it: of a signal, that of its sender. */
  readonly links: readonly { readonly traceId: string; readonly spanId: string }[];
  /** What it failed with; `undefined`: it did not. */
  readonly error: string | undefined;
}

/** Takes the spans of an agent, or of a gateway. */
export interface Tracer {
  /**
   * A span has ended. Called once for each: on a device once what it was for is durable, and never
   * for what is replayed. A throw is logged and changes nothing.
   */
  ended(span: TraceSpan): void;
  /**
   * Runs the body of a step, or a handler, so that spans which others begin in it become children
   * of the attempt. Must call it at once and return what it returns. Default: calls it.
   */
  within?<T>(attempt: TraceContext, body: () => T): T;
}
