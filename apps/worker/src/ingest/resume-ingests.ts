import { outageJobOptions, queueJobIds, queueNames } from '@umbra/platform/queues/queues';
import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { reportError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';

/** Queue every dataset that is validating and not queued: Redis was lost, or a step gave up. */
export async function resumeIngests({ store, ingestQueue, logger }: WorkerServices): Promise<void> {
  for await (const { key } of store.list(keys.ingests())) {
    const marked = matchKey('ingest', key);
    if (marked === null) continue;
    const { tenant, id: dataset } = marked;
    const jobId = queueJobIds.ingest(dataset);
    if ((await ingestQueue.getJob(jobId)) !== undefined) continue;
    await ingestQueue.add(
      queueNames.ingest,
      { version: 1, tenant, dataset },
      { ...outageJobOptions, jobId },
    );
    logger.info({ datasetId: dataset }, 'unfinished dataset found');
  }
}

/** Look for them now and then. @returns A function that stops it. */
export function keepResumingIngests(services: WorkerServices): () => void {
  let isBusy = false;
  const look = async () => {
    if (isBusy) return;
    isBusy = true;
    await resumeIngests(services).catch((error: unknown) =>
      services.logger.warn({ error: reportError(error) }, 'unfinished datasets not looked for'),
    );
    isBusy = false;
  };
  const timer = setInterval(look, services.config.UMBRA_RESUME_MS);
  return () => clearInterval(timer);
}
