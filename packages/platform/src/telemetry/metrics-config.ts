import { z } from 'zod';
import { portSetting } from '../config.js';

/** What every process that can be watched reads. */
export const metricsConfig = z.object({
  UMBRA_METRICS_HOST: z
    .string()
    .min(1)
    .default('127.0.0.1')
    .describe('Address that Prometheus metrics and `/healthz` listen on'),
  UMBRA_METRICS_PORT: portSetting.optional().describe('Port of the metrics; 0 takes any free one'),
  UMBRA_METRICS_TENANTS: z.coerce
    .number()
    .int()
    .min(0)
    .max(10_000)
    .default(100)
    .describe('Tenants with series of their own in each process; the others share one'),
});
export type MetricsConfig = z.output<typeof metricsConfig>;
