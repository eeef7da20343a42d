import { putJobEntry } from '@umbra/platform/store/job-records';
import { keys } from '@umbra/platform/store/keys';
import { imageIndexOf } from '@umbra/shared/ids';
import { drainRows, maxSegmentRows } from '../../jobs/drain-rows.js';
import { writeJob } from '../../jobs/job-record.js';
import type { JobStateServices } from '../../jobs/publish-events.js';
import { type CountedImage, openStoredRows } from '../../jobs/stored-rows.js';
import type { WorkerServices } from '../../services.js';
import { openManifest } from '../manifest-reader.js';
import type { LoadedJob } from '../tracked-job.js';

export type StartServices = JobStateServices & Pick<WorkerServices, 'progress' | 'logger'>;

/**
 * Start a job, or start it again after Redis was lost or for a retry: the store has the images that
 * are finished.
 */
export async function startJob(services: StartServices, tracked: LoadedJob): Promise<void> {
  const { store, progress, logger } = services;
  const { tenant, job } = tracked;
  const isRetry = job.state === 'queued' && job.attempt > 1;
  if (isRetry) {
    // Images of the last attempt may have been counted after its end.
    await progress.clear(job.id);
    for await (const { key } of store.list(keys.errors(tenant, job.id))) await store.delete(key);
  }
  const isFirst = job.state === 'queued' && !isRetry;
  const known = isFirst ? 0 : await countFinished(services, tracked);
  // Last: where this field is set, the images are counted.
  await progress.start(job.id, Date.now());
  tracked.reader = openManifest(services, tracked, { index: 0, offset: 0 });
  if (job.state === 'queued') {
    // An API of before there was an index may have made it.
    await putJobEntry(store, tenant, job);
    const startedAt = job.startedAt ?? new Date().toISOString();
    tracked.job = await writeJob(services, tracked, { state: 'in_progress', startedAt });
  }
  logger.info({ jobId: job.id, images: job.counts.total, known }, 'job started');
}

/** Count a job's finished images from the store, and keep the rows that Redis lost. @returns How many images there are. */
async function countFinished(
  { store, progress, logger }: StartServices,
  { tenant, job }: LoadedJob,
): Promise<number> {
  let known = 0;
  let kept = 0;
  const count = async (
    { image, row }: CountedImage,
    outcome: 'completed' | 'failed',
  ): Promise<boolean> => {
    const isNew = await progress.finishImage(job.id, imageIndexOf(image), outcome, row);
    known += outcome === 'failed' || isNew ? 1 : 0;
    kept += isNew && row !== null ? 1 : 0;
    // A million rows are too many for Redis to hold at once.
    if (kept >= maxSegmentRows) {
      await drainRows({ store, progress }, { tenant, id: job.id });
      kept = 0;
    }
    return isNew;
  };
  const rows = await openStoredRows({ store, logger }, { tenant, job });
  for await (const image of rows.ofResults()) {
    const isNew = await count(image, 'completed');
    // Unknown where the images vary in size: the count of positions then starts anew.
    if (isNew && job.positionsPerImage !== null) {
      await progress.addPositions(job.id, job.positionsPerImage);
    }
  }
  for await (const image of rows.ofErrors()) await count(image, 'failed');
  return known;
}
