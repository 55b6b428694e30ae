import { SpanKind, SpanStatusCode, context, trace, type HrTime } from '@opentelemetry/api';
import { resourceFromAttributes } from '@opentelemetry/resources';
import type { SpanProcessor } from '@opentelemetry/sdk-trace-base';
import type { Tracer } from '@holdfast/agent';

/** Hands spans of an agent, or of a gateway, to OpenTelemetry, with the ids that they have. */
export function otelTracer(processor: SpanProcessor, serviceName: string): Tracer {
  const { INTERNAL: internal, CLIENT: client, SERVER: server } = SpanKind;
  const kinds = { internal, client, server };
  const resource = resourceFromAttributes({ 'service.name': serviceName });
  const place = (traceId: string, spanId: string) => ({ traceId, spanId, traceFlags: 1 });
  const hrTime = (ms: number): HrTime => [Math.floor(ms / 1_000), (ms % 1_000) * 1_000_000];
  return {
    ended(span) {
      const { name, traceId, spanId, parentSpanId, startAtMs, endAtMs, error } = span;
      processor.onEnd({
        ...{ name, ended: true, resource, attributes: { ...span.attributes }, events: [] },
        kind: kinds[span.kind],
        spanContext: () => place(traceId, spanId),
        ...(parentSpanId !== undefined && { parentSpanContext: place(traceId, parentSpanId) }),
        links: span.links.map((link) => ({ context: place(link.traceId, link.spanId) })),
        status:
          error === undefined
            ? { code: SpanStatusCode.UNSET }
            : { code: SpanStatusCode.ERROR, message: error },
        ...{ startTime: hrTime(startAtMs), endTime: hrTime(endAtMs) },
        duration: hrTime(endAtMs - startAtMs),
        instrumentationScope: { name: '@holdfast/agent' },
        ...{ droppedAttributesCount: 0, droppedEventsCount: 0, droppedLinksCount: 0 },
      });
    },
    within({ traceId, spanId }, body) {
      return context.with(trace.setSpanContext(context.active(), place(traceId, spanId)), body);
    },
  };
}
