import { enqueueIngest } from '@umbra/platform/queues/enqueue';
import { queueJobIds } from '@umbra/platform/queues/names';
import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { reportError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';

type ResumeServices = Pick<WorkerServices, 'store' | 'ingestQueue' | 'logger'>;

/** Queue every dataset that is validating and not queued: Redis was lost, or its step gave up. */
export async function resumeIngests({ store, ingestQueue, logger }: ResumeServices): Promise<void> {
  for await (const { key } of store.list(keys.ingests())) {
    const marked = matchKey('ingest', key);
    if (marked === null) continue;
    if ((await ingestQueue.getJob(queueJobIds.ingest(marked.id))) !== undefined) continue;
    await enqueueIngest(ingestQueue, marked);
    logger.info({ datasetId: marked.id }, 'unfinished dataset found');
  }
}

/** Resume ingests every `UMBRA_RESUME_MS`. @returns A function that stops it. */
export function keepResumingIngests(
  services: ResumeServices & Pick<WorkerServices, 'config'>,
): () => void {
  const { config, logger } = services;
  let isBusy = false;
  const resume = async () => {
    if (isBusy) return;
    isBusy = true;
    await resumeIngests(services).catch((error: unknown) =>
      logger.warn({ error: reportError(error) }, 'unfinished datasets not listed'),
    );
    isBusy = false;
  };
  const timer = setInterval(resume, config.UMBRA_RESUME_MS);
  return () => clearInterval(timer);
}
