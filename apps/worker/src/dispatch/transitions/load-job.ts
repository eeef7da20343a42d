import { resolveSettings } from '@umbra/engine';
import { engineOptionsOf } from '@umbra/platform/config';
import { shardQueueFor } from '@umbra/platform/queues/names';
import { keys } from '@umbra/platform/store/keys';
import { describeModel } from '@umbra/platform/store/models';
import type { LoadingCache } from '@umbra/shared/cache';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { readJob, type TenantJob } from '../../jobs/job-record.js';
import type { WorkerServices } from '../../services.js';
import type { TrackedJob } from '../tracked-job.js';

export type LoadServices = Pick<WorkerServices, 'store' | 'progress' | 'config'>;

/**
 * Read a job's record. Where Redis has no progress of it, Redis may have lost its cancellation and pause as
 * well: they are written again.
 *
 * @param bundles Descriptions of models by name and digest: jobs share them.
 * @throws {AppError} `invalid_input` if its settings do not fit the model, or the operator's limits.
 */
export async function loadJob(
  services: LoadServices,
  tracked: TrackedJob,
  bundles: LoadingCache<ModelBundle>,
): Promise<void> {
  const { store, config } = services;
  const { tenant, jobId } = tracked;
  const job = await readJob(store, { tenant, id: jobId });
  tracked.hasRecord = true;
  const bundle = await bundles.load(`${job.model.name} ${job.model.digest}`, () =>
    describeModel(store, { tenant, ...job.model }),
  );
  resolveSettings(job.settings, bundle, engineOptionsOf(config));
  if (tracked.live?.progress === null || job.state === 'cancelling') {
    await restoreRequests(services, { tenant, job });
  }
  tracked.loaded = { bundle, queue: shardQueueFor(bundle.format) };
  tracked.job = job;
}

async function restoreRequests(
  { store, progress }: LoadServices,
  { tenant, job }: TenantJob,
): Promise<void> {
  const [isCancelled, isPaused] = await Promise.all(
    [keys.cancellation(tenant, job.id), keys.pause(tenant, job.id)].map(
      async (key) => (await store.head(key)) !== null,
    ),
  );
  if (isCancelled || job.state === 'cancelling') await progress.cancel(job.id);
  if (isPaused) await progress.setPaused(job.id, true);
}
