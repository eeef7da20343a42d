import { enqueueIngest } from '@umbra/platform/queues/enqueue';
import type { Reference } from '@umbra/shared/contracts/reference';
import { withinQueueTimeout } from '../http/queue-timeout.js';
import type { ApiServices } from '../services.js';

export type IngestQueueServices = Pick<ApiServices, 'ingestQueue' | 'logger'>;

/** Queue a dataset's ingest. While the queue is down, workers find the dataset's marker in the store. */
export async function queueIngest(
  { ingestQueue, logger }: IngestQueueServices,
  dataset: Reference,
): Promise<void> {
  const { id } = dataset;
  await withinQueueTimeout(enqueueIngest(ingestQueue, dataset)).catch((error: unknown) => {
    logger.warn({ datasetId: id, reason: String(error) }, 'ingest not queued, left to its marker');
  });
}
