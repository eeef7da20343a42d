import { checkLabels } from '@umbra/datasets';
import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { readModel } from '@umbra/platform/store/models';
import { positionsOf } from '@umbra/platform/tenancy/count-usage';
import { storedDataset } from '@umbra/shared/contracts/dataset';
import { hasCode, invalidInput } from '@umbra/shared/errors';
import { writeJob } from '../../jobs/job-record.js';
import type { JobStateServices } from '../../jobs/publish-events.js';
import type { WorkerServices } from '../../services.js';
import { type LoadedJob, lookLater } from '../tracked-job.js';

export type ValidateServices = JobStateServices & Pick<WorkerServices, 'readTenant' | 'usage'>;

/**
 * Queue a job once its dataset is ready. Its share of the tenant's positions is known, and reserved,
 * only then.
 *
 * @throws {AppError} `invalid_input` if the dataset failed or was deleted, or its labels, which the job
 *   watches, are no classes of the model; `quota_exceeded`.
 */
export async function validateJob(services: ValidateServices, tracked: LoadedJob): Promise<void> {
  const { store, readTenant, usage } = services;
  const { tenant, job } = tracked;
  const dataset = await getJson(store, keys.dataset(tenant, job.dataset), storedDataset).catch(
    (error: unknown) => {
      if (!hasCode(error, 'not_found')) throw error;
      throw invalidInput(`Dataset '${job.dataset}' was deleted`);
    },
  );
  if (dataset.state === 'failed') {
    throw invalidInput(`Dataset '${job.dataset}' failed: ${dataset.error?.message}`);
  }
  if (dataset.state !== 'ready') {
    lookLater(tracked, Date.parse(job.createdAt), Date.now());
    return;
  }
  if (job.settings.target.kind === 'label') {
    const { classNames } = await readModel(store, { tenant, ...job.model });
    await checkLabels(store, tenant, dataset, { name: job.model.name, classNames });
  }
  const counts = { total: dataset.images, completed: 0, failed: 0 };
  const { quotas } = await readTenant(tenant);
  await usage.reserveJob(tenant, quotas, job.id, positionsOf({ ...job, counts }));
  tracked.job = await writeJob(services, tracked, { state: 'queued', counts });
}
