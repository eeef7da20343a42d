import type { IncomingHttpHeaders } from 'node:http';
import type { Telemetry } from 'bullmq';
import type { TracingConfig } from './tracing-config.js';

/** Ids and counts; never what a user sent. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean>>;

export type RequestSpan = {
  /** Run what belongs to the request. */
  run<T>(work: () => T): T;
  end(name: string, attributes: SpanAttributes, failed: boolean): void;
};

/** Traces of this process. Without a collector every function does nothing. */
export type Tracing = {
  /** For BullMQ's queues, producers and workers; undefined while traces are off. */
  readonly telemetry: Telemetry | undefined;
  /** Begin a request's span, as part of its caller's trace where its headers name one. */
  startRequest(method: string, headers: IncomingHttpHeaders): RequestSpan;
  /** The span that is being run, as BullMQ carries it; undefined where none is, or it is not kept. */
  carrier(): string | undefined;
  /** Make a span of a moment as part of a carried trace. @returns The span, to be carried on. */
  mark(carrier: string, name: string, attributes: SpanAttributes): string;
  /** Run work as part of a carried trace, with no span of its own. */
  within<T>(carrier: string | undefined, work: () => T): T;
  /** Add to the span that is being run. */
  describe(attributes: SpanAttributes): void;
  /** Send what is left. */
  close(): Promise<void>;
};

export const noTracing: Tracing = {
  telemetry: undefined,
  startRequest: () => ({ run: (work) => work(), end: () => undefined }),
  carrier: () => undefined,
  mark: (carrier) => carrier,
  within: (_carrier, work) => work(),
  describe: () => undefined,
  close: async () => undefined,
};

/**
 * Make traces where OpenTelemetry's variables name a collector. Its libraries are loaded then, and only
 * then.
 */
export async function startTracing(
  config: Readonly<TracingConfig>,
  service: string,
): Promise<Tracing> {
  const { OTEL_EXPORTER_OTLP_ENDPOINT, OTEL_EXPORTER_OTLP_TRACES_ENDPOINT } = config;
  if ((OTEL_EXPORTER_OTLP_TRACES_ENDPOINT ?? OTEL_EXPORTER_OTLP_ENDPOINT) === undefined) {
    return noTracing;
  }
  const { openTelemetry } = await import('./open-telemetry.js');
  return openTelemetry(config, service);
}

/** As an option of BullMQ's, which must not be there while traces are off. */
export const telemetryOf = ({ telemetry }: Tracing): { telemetry?: Telemetry } =>
  telemetry === undefined ? {} : { telemetry };
