import { deleteJob, findJobRecord, isFinal, keys } from '@umbra/shared';
import type { Context } from '../context.js';

/** Delete jobs whose results have been kept for as long as was asked. */
export async function sweepRetention({ store, usage, logger }: Context): Promise<void> {
  for await (const { key } of store.list(keys.retentions())) {
    const [, deleteAt = '', tenant = '', jobId = ''] = key.split('/');
    // In ascending order: what follows is kept for longer.
    if (Date.parse(deleteAt) > Date.now()) return;
    const job = await findJobRecord(store, tenant, jobId);
    if (job !== null && isFinal(job.state)) {
      await deleteJob(store, tenant, job);
      // The dataset of an image that somebody waited for goes with it.
      if (job.interactive) await usage.releaseDataset(tenant, job.dataset);
      logger.info({ jobId }, 'results deleted at the end of their time');
    }
    await store.delete(key);
  }
}
