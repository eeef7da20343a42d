import { findJobRecord } from '@umbra/platform/store/job-records';
import { keys } from '@umbra/platform/store/keys';
import { listFolders } from '@umbra/platform/store/list-folders';
import type { JobStatus } from '@umbra/shared/contracts/job';
import type { Page } from '../http/pages.js';
import type { ApiServices } from '../services.js';
import { type JobStatusServices, statusOf } from './job-status.js';

/** List a page of a tenant's jobs, in the order of their ids. A job deleted meanwhile is left out. */
export async function listJobs(
  services: Pick<ApiServices, 'store'> & JobStatusServices,
  tenant: string,
  { limit, cursor }: { readonly limit: number; readonly cursor?: string | undefined },
): Promise<Page<JobStatus>> {
  const { store } = services;
  const ids: string[] = [];
  for await (const id of listFolders(store, keys.jobs(tenant), cursor)) {
    ids.push(id);
    if (ids.length > limit) break;
  }
  const page = ids.slice(0, limit);
  const found = await Promise.all(
    page.map(async (id) => {
      const job = await findJobRecord(store, tenant, id);
      return job === null ? null : statusOf(services, job);
    }),
  );
  const data = found.filter((status) => status !== null);
  return { data, next_cursor: ids.length > limit ? (page.at(-1) ?? null) : null };
}
