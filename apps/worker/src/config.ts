import {
  cacheDirSetting,
  commonConfig,
  engineConfig,
  modelsDiskSetting,
  quotaConfig,
  uploadLimitsConfig,
} from '@umbra/platform/config';
import { stepNames } from '@umbra/platform/queues/names';
import { metricsConfig } from '@umbra/platform/telemetry/metrics-config';
import { tracingConfig } from '@umbra/platform/telemetry/tracing-config';
import { z } from 'zod';

const count = (fallback: number) => z.coerce.number().int().min(1).default(fallback);

const step = z.enum(stepNames);
const allSteps = stepNames.join(',');

export const workerConfig = commonConfig.extend({
  ...engineConfig.shape,
  ...uploadLimitsConfig.shape,
  /** Quotas that the steps ingest and dispatch hold tenants to. */
  ...quotaConfig.shape,
  ...metricsConfig.shape,
  ...tracingConfig.shape,
  UMBRA_STEPS: z
    .string()
    .default(allSteps)
    .transform((names) => [...new Set(names.split(',').map((name) => name.trim()))])
    .pipe(z.array(step).min(1))
    .describe('Steps that the worker runs, separated by commas'),
  UMBRA_INFERENCE_THREADS: count(1).describe(
    'Inference threads; shards run side by side, one a thread',
  ),
  UMBRA_WINDOW_IMAGES: count(4096).describe(
    'Images of all jobs that may be queued at once for a family of model formats',
  ),
  UMBRA_SHARD_SECONDS: z.coerce
    .number()
    .min(0.1)
    .max(600)
    .default(5)
    .describe('Longest time that a shard should take, by the measured throughput of its model, s'),
  UMBRA_BATCH_DEADLINE_S: z.coerce
    .number()
    .min(0.1)
    .default(120)
    .describe(
      'Time after which a batch of inference counts as one that never ends, unless 20 times the median of its model is longer; its process is then ended, s',
    ),
  UMBRA_CACHE_DIR: cacheDirSetting,
  UMBRA_MODELS_DISK_MB: modelsDiskSetting,
  UMBRA_LOCK_MS: count(10_000).describe(
    "Time after which a silent worker's shard goes to another, ms",
  ),
  UMBRA_RESUME_MS: count(30_000).describe(
    'Interval at which unfinished jobs are looked for in the store, ms',
  ),
  UMBRA_SHUTDOWN_MS: count(20_000).describe(
    'Time that running work may take to end after SIGTERM, ms',
  ),
});
export type WorkerConfig = z.output<typeof workerConfig>;
