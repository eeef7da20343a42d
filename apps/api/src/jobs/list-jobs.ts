import { findJobRecord } from '@umbra/platform/store/delete';
import { keys } from '@umbra/platform/store/keys';
import { listFolders } from '@umbra/platform/store/list-folders';
import type { JobStatus } from '@umbra/shared/contracts/job';
import type { ApiServices } from '../services.js';
import { statusOf } from './job-status.js';
import type { Page } from './list-images.js';

/** A page of a tenant's jobs. A job that was deleted meanwhile is left out. */
export async function listJobs(
  context: ApiServices,
  tenant: string,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<JobStatus>> {
  const ids: string[] = [];
  for await (const id of listFolders(context.store, keys.jobs(tenant), cursor)) {
    ids.push(id);
    if (ids.length > limit) break;
  }
  const page = ids.slice(0, limit);
  const found = await Promise.all(
    page.map(async (id) => {
      const job = await findJobRecord(context.store, tenant, id);
      return job === null ? null : statusOf(context, job);
    }),
  );
  const data = found.filter((status) => status !== null);
  return { data, next_cursor: ids.length > limit ? (page.at(-1) ?? null) : null };
}
