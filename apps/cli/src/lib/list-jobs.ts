import type { Job, UmbraClient } from '@umbra/client';

export type JobFilter = {
  readonly state?: string | undefined;
  /** Part of a job's id, or of the names of its model, dataset or metadata. */
  readonly text?: string | undefined;
};

const pageSize = 100;

/** Jobs of a tenant, the newest first. */
export async function listJobs(client: UmbraClient, filter: JobFilter = {}): Promise<Job[]> {
  const jobs: Job[] = [];
  for (let cursor: string | null | undefined; cursor !== null; ) {
    const query = { limit: pageSize, ...(cursor !== undefined && { cursor }) };
    // Whatever is no success is thrown.
    const { data } = await client.api.GET('/v1/jobs', { params: { query } });
    jobs.push(...(data?.data ?? []).filter((job) => fits(job, filter)));
    cursor = data?.next_cursor ?? null;
  }
  return jobs.sort((a, b) => (a.createdAt < b.createdAt ? 1 : -1));
}

function fits({ id, state, model, dataset, metadata }: Job, filter: JobFilter): boolean {
  if (filter.state !== undefined && filter.state !== state) return false;
  const words = [id, model.name, dataset, ...Object.values(metadata)];
  return filter.text === undefined || words.some((word) => word.includes(filter.text ?? ''));
}
