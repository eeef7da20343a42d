import { matchKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Counts, JobRecord } from '@umbra/shared/contracts/job';

/** Count a job's images by what the store has of them: it is the truth, whatever Redis counted. */
export async function countStored(
  store: ObjectStore,
  { tenant, job }: { readonly tenant: string; readonly job: JobRecord },
): Promise<Counts> {
  const counts = { total: job.counts.total, completed: 0, failed: 0 };
  for await (const { key } of store.list(keys.results(tenant, job.id))) {
    if (matchKey('result', key)?.file === 'result.json') counts.completed += 1;
  }
  for await (const { key } of store.list(keys.errors(tenant, job.id))) {
    const failed = matchKey('error', key);
    if (failed === null) continue;
    const done = keys.result(tenant, job.id, failed.image, 'result.json');
    if ((await store.head(done)) === null) counts.failed += 1;
  }
  return counts;
}
