import { queueJobIds } from '@umbra/platform/queues/names';
import { keys } from '@umbra/platform/store/keys';
import { makeRow } from '@umbra/platform/store/make-row';
import { imageIdAt, imageIndexOf } from '@umbra/shared/ids';
import type { TenantJob } from '../../jobs/job-record.js';
import type { WorkerServices } from '../../services.js';
import type { JobCapacity } from '../estimate-cost.js';
import { type LaunchServices, launchImages } from '../launch.js';
import { readItemAt } from '../manifest-reader.js';
import type { LoadedJob } from '../tracked-job.js';

export type RequeueServices = LaunchServices & Pick<WorkerServices, 'progress' | 'mergeQueue'>;

/**
 * Queue images again that are in flight and in no queue: they were lost between the two, or their
 * merge gave up while the store was unreachable.
 */
export async function requeueLost(
  services: RequeueServices,
  { tenant, job, loaded }: LoadedJob,
  capacity: JobCapacity,
): Promise<void> {
  const { store, progress, mergeQueue, logger } = services;
  for (const cursor of await progress.listInFlight(job.id)) {
    const imageId = imageIdAt(cursor.index);
    if ((await mergeQueue.getJob(queueJobIds.merge(job.id, job.attempt, imageId))) !== undefined)
      continue;
    if (await progress.isFinished(job.id, cursor.index)) {
      await progress.dropImage(job.id, cursor.index);
      continue;
    }
    if (await countStored(services, { tenant, job }, imageId)) continue;
    logger.warn({ jobId: job.id, imageId }, 'image requeued after loss from the queue');
    const item = await readItemAt(store, keys.manifest(tenant, job.dataset), cursor);
    await launchImages(services, [
      { tenant, job, bundle: loaded.bundle, items: [item], imagesLeft: 1, ...capacity },
    ]);
  }
}

/** Count an image that ended while Redis could not count it. @returns Whether it had ended. */
async function countStored(
  { store, progress }: RequeueServices,
  { tenant, job: { id, attempt } }: TenantJob,
  imageId: string,
): Promise<boolean> {
  const ends = {
    completed: keys.result(tenant, id, imageId, 'result.json'),
    failed: keys.error(tenant, id, imageId),
  } as const;
  for (const outcome of ['completed', 'failed'] as const) {
    if ((await store.head(ends[outcome])) === null) continue;
    const row = await makeRow(store, { tenant, id, attempt }, imageId, { state: outcome });
    await progress.finishImage(id, imageIndexOf(imageId), outcome, row);
    return true;
  }
  return false;
}
