import {
  commonConfig,
  engineConfig,
  quotaConfig,
  uploadLimitsConfig,
} from '@umbra/platform/config';
import { stepNames } from '@umbra/platform/queues/queues';
import { metricsConfig } from '@umbra/platform/telemetry/metrics-config';
import { tracingConfig } from '@umbra/platform/telemetry/tracing-config';
import { z } from 'zod';

const count = (fallback: number) => z.coerce.number().int().min(1).default(fallback);

const step = z.enum(stepNames);
const allSteps = stepNames.join(',');

export const workerConfig = commonConfig.extend({
  ...engineConfig.shape,
  ...uploadLimitsConfig.shape,
  /** Of the steps that take images in, and that learn what a job is of. */
  ...quotaConfig.shape,
  ...metricsConfig.shape,
  ...tracingConfig.shape,
  /** What this process does, by commas: shards may have machines of their own. */
  UMBRA_STEPS: z
    .string()
    .default(allSteps)
    .transform((names) => [...new Set(names.split(',').map((name) => name.trim()))])
    .pipe(z.array(step).min(1)),
  /** Inference threads of this process; shards run side by side. */
  UMBRA_INFERENCE_THREADS: count(1),
  /** Images of all jobs that may be in the queue of a kind of model at once. */
  UMBRA_WINDOW_IMAGES: count(4096),
  /** Most seconds that a shard should take, as far as its model's pace is known. */
  UMBRA_SHARD_SECONDS: z.coerce.number().min(0.1).max(600).default(5),
  UMBRA_CACHE_DIR: z.string().min(1).default('.umbra/cache'),
  /** A worker that is not heard of for this long loses its shard to another. */
  UMBRA_LOCK_MS: count(10_000),
  /** How often to look in the store for jobs that the queue has lost. */
  UMBRA_RESUME_MS: count(30_000),
  /** On SIGTERM, how long running shards may take to end by themselves. */
  UMBRA_SHUTDOWN_MS: count(20_000),
});
export type WorkerConfig = z.output<typeof workerConfig>;
