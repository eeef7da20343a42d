import { z } from 'zod';

/** OpenTelemetry's own variables, as far as they are heeded here. Its exporter reads the rest by itself. */
export const tracingConfig = z.object({
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Collector of traces (OTLP over HTTP); no traces are made without one'),
  OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('Whole address of the collector, in its place'),
  OTEL_EXPORTER_OTLP_HEADERS: z
    .string()
    .optional()
    .describe('Headers of the exporter: `name=value,...`'),
  OTEL_SERVICE_NAME: z.string().min(1).optional().describe('Service name in traces'),
  OTEL_RESOURCE_ATTRIBUTES: z
    .string()
    .optional()
    .describe('Attributes of every span of the process: `name=value,...`'),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe('Share of traces that are kept'),
  OTEL_BSP_SCHEDULE_DELAY: z.coerce
    .number()
    .int()
    .min(1)
    .default(5_000)
    .describe('Time for which finished spans are gathered before they are sent, ms'),
  UMBRA_TRACE_IMAGES: z.coerce
    .number()
    .int()
    .min(0)
    .default(100)
    .describe('Images of a job that are traced'),
});
export type TracingConfig = z.output<typeof tracingConfig>;
