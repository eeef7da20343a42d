import { resolveSettings } from '@umbra/engine';
import { engineOptionsOf } from '@umbra/platform/config';
import { shardQueueFor } from '@umbra/platform/queues/names';
import { keys } from '@umbra/platform/store/keys';
import { describeModel } from '@umbra/platform/store/models';
import { readJob } from '../../jobs/job-record.js';
import type { WorkerServices } from '../../services.js';
import type { TrackedJob } from '../tracked-job.js';

export type LoadServices = Pick<WorkerServices, 'store' | 'progress' | 'config'>;

/**
 * Read a job's record, and write its cancellation and pause to Redis again, which may have lost them.
 *
 * @throws {AppError} `invalid_input` if its settings do not fit the model, or the operator's limits.
 */
export async function loadJob(services: LoadServices, tracked: TrackedJob): Promise<void> {
  const { store, progress, config } = services;
  const { tenant, jobId } = tracked;
  const job = await readJob(store, { tenant, id: jobId });
  tracked.hasRecord = true;
  const bundle = await describeModel(store, job.model.name, job.model.digest);
  resolveSettings(job.settings, bundle, engineOptionsOf(config));
  const isEnding =
    job.state === 'cancelling' || (await store.head(keys.cancellation(tenant, jobId))) !== null;
  if (isEnding) await progress.cancel(jobId);
  const isPaused = (await store.head(keys.pause(tenant, jobId))) !== null;
  await progress.setPaused(jobId, isPaused);
  tracked.loaded = { bundle, queue: shardQueueFor(bundle.format) };
  tracked.job = job;
}
