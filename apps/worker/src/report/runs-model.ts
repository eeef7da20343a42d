import { servedShardQueues, shardQueueFor } from '@umbra/platform/queues/names';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { WorkerServices } from '../services.js';

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
