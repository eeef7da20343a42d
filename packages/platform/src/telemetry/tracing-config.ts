import { z } from 'zod';

/** OpenTelemetry's own variables, as far as they are heeded here. Its exporter reads the rest by itself. */
export const tracingConfig = z.object({
  /** Where traces go, by OTLP over HTTP. None are made without it. */
  OTEL_EXPORTER_OTLP_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  /** In its place, the whole address. */
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z.url({ protocol: /^https?$/ }).optional(),
  /** Read by the exporter: `name=value,...`, such as a collector's key. */
  OTEL_EXPORTER_OTLP_HEADERS: z.string().optional(),
  OTEL_SERVICE_NAME: z.string().min(1).optional(),
  /** `name=value,...`: what every span of this process says. */
  OTEL_RESOURCE_ATTRIBUTES: z.string().optional(),
  /** The share of traces that are kept. */
  OTEL_TRACES_SAMPLER_ARG: z.coerce.number().min(0).max(1).default(1),
  /** How long finished spans are gathered before they are sent, ms. */
  OTEL_BSP_SCHEDULE_DELAY: z.coerce.number().int().min(1).default(5_000),
  /** Images of a job whose way is traced: a million of them would be no trace that anyone can read. */
  UMBRA_TRACE_IMAGES: z.coerce.number().int().min(0).default(100),
});
export type TracingConfig = z.output<typeof tracingConfig>;
