import { findJobRecord, putJobEntry } from '@umbra/platform/store/job-records';
import { keys } from '@umbra/platform/store/keys';
import { listFolders } from '@umbra/platform/store/list-folders';
import { listTenants } from '@umbra/platform/tenancy/tenant';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { hasCode, reportError } from '@umbra/shared/errors';
import type { WorkerServices } from '../services.js';

type IndexServices = Pick<WorkerServices, 'store' | 'logger' | 'closing'>;

/**
 * Give the jobs of before there was an index their entries, tenant by tenant, once. Two at once do no harm.
 *
 * @returns A function that does it, unless that is in progress or done. It never rejects.
 */
export function createJobIndexer(services: IndexServices): () => Promise<void> {
  const { store, logger, closing } = services;
  let isDue = true;
  return async () => {
    if (!isDue) return;
    isDue = false;
    try {
      for await (const tenant of listTenants(store)) {
        if (closing.aborted) return;
        await indexTenant(services, tenant);
      }
    } catch (error) {
      logger.warn({ error: reportError(error) }, 'jobs not indexed');
      isDue = true;
    }
  };
}

/** One damaged record must not keep the others from being listed. */
async function findReadable(
  { store, logger }: Pick<IndexServices, 'store' | 'logger'>,
  tenant: string,
  id: string,
): Promise<JobRecord | null> {
  try {
    return await findJobRecord(store, tenant, id);
  } catch (error) {
    if (!hasCode(error, 'integrity')) throw error;
    logger.warn({ tenant, jobId: id, error: reportError(error) }, 'job not indexed');
    return null;
  }
}

async function indexTenant(
  { store, logger, closing }: IndexServices,
  tenant: string,
): Promise<void> {
  if ((await store.head(keys.jobIndexComplete(tenant))) !== null) return;
  let jobs = 0;
  for await (const id of listFolders(store, keys.jobs(tenant))) {
    if (closing.aborted) return;
    const job = await findReadable({ store, logger }, tenant, id);
    if (job === null) continue;
    await putJobEntry(store, tenant, job);
    // Deleted meanwhile, it must leave no entry.
    if ((await store.head(keys.job(tenant, id))) === null) {
      await store.delete(keys.jobEntry(tenant, job));
    }
    jobs += 1;
  }
  await store.put(keys.jobIndexComplete(tenant), '');
  if (jobs > 0) logger.info({ tenant, jobs }, 'jobs indexed');
}
