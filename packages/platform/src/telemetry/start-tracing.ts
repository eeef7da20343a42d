import { noTracing, type Tracing } from './tracing.js';
import type { TracingConfig } from './tracing-config.js';

/**
 * Start traces where OpenTelemetry's variables name a collector; its libraries are loaded only then.
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
