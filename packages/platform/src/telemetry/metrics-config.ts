import { z } from 'zod';
import { portSetting } from '../config.js';

/** What every process that can be watched reads. */
export const metricsConfig = z.object({
  /** Loopback unless told otherwise: metrics name models and count what users do. */
  UMBRA_METRICS_HOST: z.string().min(1).default('127.0.0.1'),
  /** No metrics when left out; 0 takes any free port. */
  UMBRA_METRICS_PORT: portSetting.optional(),
  /** Tenants that have series of their own in each process; the others share one. */
  UMBRA_METRICS_TENANTS: z.coerce.number().int().min(0).max(10_000).default(100),
});
export type MetricsConfig = z.output<typeof metricsConfig>;
