import type { Job, UmbraClient } from '@umbra/client';
import type { JobState } from '@umbra/shared/contracts/job';

export type JobFilter = {
  readonly state?: JobState | undefined;
  /** Part of a job's id, or of the names of its model, dataset or metadata. */
  readonly text?: string | undefined;
  /** Largest number of jobs. */
  readonly limit: number;
};

export type ListedJobs = {
  readonly jobs: readonly Job[];
  /** Whether the service has jobs that were not looked at. */
  readonly hasMore: boolean;
};

const maxPage = 100;

/** Jobs of a tenant, the newest first. */
export async function listJobs(client: UmbraClient, filter: JobFilter): Promise<ListedJobs> {
  const { state, text, limit } = filter;
  const jobs: Job[] = [];
  let cursor: string | null | undefined;
  // A page under a filter may be empty and have a next one.
  while (cursor !== null && jobs.length < limit) {
    const query = {
      ...({ order: 'newest', limit: Math.min(limit - jobs.length, maxPage) } as const),
      ...(state !== undefined && { state }),
      ...(text !== undefined && { text }),
      ...(cursor !== undefined && { cursor }),
    };
    // Whatever is no success is thrown.
    const { data } = await client.api.GET('/v1/jobs', { params: { query } });
    jobs.push(...(data?.data ?? []));
    cursor = data?.next_cursor ?? null;
  }
  return { jobs, hasMore: cursor !== null };
}
