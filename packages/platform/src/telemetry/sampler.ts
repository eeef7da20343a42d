import { isSpanContextValid, SpanKind, trace } from '@opentelemetry/api';
import { type Sampler, SamplingDecision } from '@opentelemetry/sdk-trace';

/**
 * Let only requests begin a trace: queues look for work many times a second for no request.
 *
 * @param delegate Decides about all others.
 */
export function requestSampler(delegate: Sampler): Sampler {
  return {
    shouldSample(...span) {
      const [context, , , kind] = span;
      const parent = trace.getSpanContext(context);
      const isRoot = parent === undefined || !isSpanContextValid(parent);
      if (isRoot && kind !== SpanKind.SERVER) return { decision: SamplingDecision.NOT_RECORD };
      return delegate.shouldSample(...span);
    },
    toString: () => `RequestSampler{${delegate}}`,
  };
}
