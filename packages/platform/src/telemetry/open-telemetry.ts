import {
  type Context,
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks';
import { W3CTraceContextPropagator } from '@opentelemetry/core';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import {
  defaultResource,
  detectResources,
  envDetector,
  resourceFromAttributes,
} from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import { umbraVersion } from '@umbra/shared/version';
import { guardTelemetry } from './guard-telemetry.js';
import { requestSampler } from './sampler.js';
import type { Tracing } from './tracing.js';
import type { TracingConfig } from './tracing-config.js';

/** A collector that is away must not hold up the end of a process. */
const closeMs = 3_000;

/** Traces by OTLP over HTTP, to where the environment says. */
export function openTelemetry(config: Readonly<TracingConfig>, service: string): Tracing {
  const ratio = new TraceIdRatioBasedSampler(config.OTEL_TRACES_SAMPLER_ARG);
  const provider = new TracerProvider({
    resource: defaultResource()
      .merge(detectResources({ detectors: [envDetector] }))
      .merge(
        resourceFromAttributes({
          'service.name': config.OTEL_SERVICE_NAME ?? service,
          'service.version': umbraVersion,
        }),
      ),
    sampler: requestSampler(new ParentBasedSampler({ root: ratio })),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter: new OTLPTraceExporter(),
        scheduledDelayMillis: config.OTEL_BSP_SCHEDULE_DELAY,
      }),
    ],
  });
  trace.setGlobalTracerProvider(provider);
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable());
  propagation.setGlobalPropagator(new W3CTraceContextPropagator());
  const tracer = trace.getTracer('umbra', umbraVersion);

  return {
    telemetry: guardTelemetry(),
    startRequest(method, headers) {
      const caller = propagation.extract(context.active(), headers);
      const span = tracer.startSpan(method, { kind: SpanKind.SERVER }, caller);
      const within = trace.setSpan(caller, span);
      return {
        run: (work) => context.with(within, work),
        end(name, attributes, failed) {
          span.updateName(name);
          span.setAttributes(attributes);
          if (failed) span.setStatus({ code: SpanStatusCode.ERROR });
          span.end();
        },
      };
    },
    carrier() {
      const isKept = trace.getActiveSpan()?.isRecording() ?? false;
      return isKept ? carry(context.active()) : undefined;
    },
    mark(carrier, name, attributes) {
      const within = take(carrier);
      const span = tracer.startSpan(name, { kind: SpanKind.PRODUCER, attributes }, within);
      span.end();
      return carry(trace.setSpan(within, span));
    },
    within: (carrier, work) => (carrier === undefined ? work() : context.with(take(carrier), work)),
    describe: (attributes) => void trace.getActiveSpan()?.setAttributes(attributes),
    async close() {
      let timer: NodeJS.Timeout | undefined;
      const late = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, closeMs);
      });
      await Promise.race([provider.shutdown().catch(() => undefined), late]);
      clearTimeout(timer);
    },
  };
}

/** Context propagation as in bullmq-otel, so that its spans and ours go on from each other. */
function carry(carried: Context): string {
  const carrier = {};
  propagation.inject(carried, carrier);
  return JSON.stringify(carrier);
}

/** Whatever is wrong with what was carried is no reason for work to fail. */
function take(carrier: string): Context {
  try {
    return propagation.extract(ROOT_CONTEXT, JSON.parse(carrier));
  } catch {
    return ROOT_CONTEXT;
  }
}
