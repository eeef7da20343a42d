import { servedShardQueues, shardQueueFor } from '@umbra/platform/queues/names';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { AppError, hasCode } from '@umbra/shared/errors';
import type { TenantJob } from '../jobs/job-record.js';
import type { DescribedModel } from '../runtime/model-cache.js';
import type { WorkerServices } from '../services.js';

/** Describe the model of a job that may have ended long ago. @throws {AppError} `conflict` where it was deleted. */
export const describeModelOf = (
  { modelCache }: Pick<WorkerServices, 'modelCache'>,
  { tenant, job }: TenantJob,
): Promise<DescribedModel> =>
  modelCache.describe({ tenant, ...job.model }).catch((error: unknown) => {
    if (!hasCode(error, 'not_found')) throw error;
    throw new AppError('conflict', `Model '${job.model.name}' of job '${job.id}' was deleted`);
  });

/** Whether this worker's engine can run a model: one on a GPU runs ONNX models only. */
export const runsModel = (
  { UMBRA_PROVIDER }: Pick<WorkerServices['config'], 'UMBRA_PROVIDER'>,
  { format }: Pick<ModelBundle, 'format'>,
): boolean => servedShardQueues(UMBRA_PROVIDER).includes(shardQueueFor(format));

/** What is left to another worker is taken up again after this time, and says meanwhile what it waits for. */
export const elsewhere = {
  laterMs: 5_000,
  stage: 'waits for a worker that runs TensorFlow.js models',
} as const;
