/** Length of a `traceparent` of version 00. */
export const TRACEPARENT_LENGTH = 55;

/** A place in a trace [W3C Trace Context]. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether whoever began the trace records it. */
  readonly isSampled: boolean;
}

const form =
  /^(?!ff)[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})(.*)$/;

/** Reads a `traceparent`; `undefined` for one that is none, which the standard has ignored. */
export function parseTraceparent(text: string | undefined): TraceContext | undefined {
  if (text === undefined || text === '') return undefined;
  const [, traceId, spanId, flags = '', more = ''] = form.exec(text) ?? [];
  if (traceId === undefined || spanId === undefined) return undefined;
  // Later versions may have more behind what this one has.
  if (more !== '' && (text.startsWith('00') || !more.startsWith('-'))) return undefined;
  return { traceId, spanId, isSampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

export function formatTraceparent({ traceId, spanId, isSampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${isSampled ? '01' : '00'}`;
}
