import { ROOT_CONTEXT } from '@opentelemetry/api';
import type { Telemetry } from 'bullmq';
import { BullMQOtel } from 'bullmq-otel';

type Span = ReturnType<Telemetry['tracer']['startSpan']>;

/**
 * What BullMQ may tell of its work. The rest holds what users sent: results, with every score in them,
 * reasons of failures, options.
 */
const told = new Set([
  'bullmq.queue.name',
  'bullmq.queue.operation',
  'bullmq.job.id',
  'bullmq.job.name',
  'bullmq.job.attempts.made',
  'bullmq.job.bulk.count',
  'bullmq.flow.name',
  'bullmq.worker.id',
]);

/** BullMQ's telemetry, held to ids and counts. */
export function guardTelemetry(): Telemetry {
  const { tracer, contextManager } = new BullMQOtel({ tracerName: 'bullmq' });
  return {
    tracer: {
      startSpan: (name, options, parent) => guardSpan(tracer.startSpan(name, options, parent)),
    },
    contextManager: {
      with: (context, work) => contextManager.with(context, work),
      active: () => contextManager.active(),
      getMetadata: (context) => contextManager.getMetadata(context),
      fromMetadata: (context, metadata) => contextManager.fromMetadata(context, metadata),
      // Loops that never end belong to no request that happened to start them.
      root: () => ROOT_CONTEXT,
    },
  };
}

function guardSpan(span: Span): Span {
  return {
    setSpanOnContext: (context) => span.setSpanOnContext(context),
    setAttribute(key, value) {
      if (told.has(key)) span.setAttribute(key, value);
    },
    setAttributes(attributes) {
      span.setAttributes(
        Object.fromEntries(Object.entries(attributes).filter(([key]) => told.has(key))),
      );
    },
    addEvent: (name) => span.addEvent(name),
    // Messages may name files, or hold a report: the log has them.
    recordException: (error) => span.addEvent('exception', { 'exception.type': nameOf(error) }),
    end: () => span.end(),
  };
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);
