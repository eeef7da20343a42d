import { isSpanContextValid, SpanKind, trace } from '@opentelemetry/api';
import { type Sampler, SamplingDecision } from '@opentelemetry/sdk-trace';

/**
 * Only requests begin a trace: queues look for work many times a second, and that is nobody's.
 *
 * @param delegate Decides about all others.
 */
export function requestSampler(delegate: Sampler): Sampler {
  return {
    shouldSample(context, traceId, name, kind, attributes, links) {
      const parent = trace.getSpanContext(context);
      const isRoot = parent === undefined || !isSpanContextValid(parent);
      if (isRoot && kind !== SpanKind.SERVER) return { decision: SamplingDecision.NOT_RECORD };
      return delegate.shouldSample(context, traceId, name, kind, attributes, links);
    },
    toString: () => `RequestSampler{${delegate}}`,
  };
}
