import type { JobLive, JobProgressStore } from '@umbra/platform/redis/job-progress';
import type { ObjectStore } from '@umbra/platform/store/store';
import { at } from '@umbra/shared/assert';
import { createLoadingCache } from '@umbra/shared/cache';
import { isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import { findJob } from './find-job.js';

/** A job's record with what Redis said of it about then; null once it has ended. */
export type JobSample = { readonly job: JobRecord; readonly live: JobLive | null };

/** Jobs that clients poll: the polls of a moment share one read of the record, and one of Redis. */
export type PolledJobs = {
  /** @throws {AppError} `not_found` */
  sample(tenant: string, id: string): Promise<JobSample>;
  /** Drop what polls share, after the job was changed or deleted. */
  forget(tenant: string, id: string): void;
};

/** Maximum ages. */
const recordMs = 250;
const sampleMs = 100;
const maxEntries = 1_000;

export function createPolledJobs(
  store: ObjectStore,
  progress: Pick<JobProgressStore, 'readAll'>,
): PolledJobs {
  const records = createLoadingCache<JobRecord>({ maxEntries, ttlMs: recordMs });
  const samples = createLoadingCache<JobSample>({ maxEntries, ttlMs: sampleMs });
  const nameOf = (tenant: string, id: string): string => `${tenant} ${id}`;
  return {
    async sample(tenant, id) {
      const name = nameOf(tenant, id);
      const read = () => records.load(name, () => findJob({ store }, tenant, id));
      const job = await read();
      if (isFinal(job.state)) return { job, live: null };
      return samples.load(name, async () => {
        const live = at(await progress.readAll([id]), 0);
        if (live.progress !== null) return { job, live };
        // Progress that is gone means that the job may have ended since its record was read.
        records.delete(name);
        return { job: await read(), live };
      });
    },
    forget(tenant, id) {
      const name = nameOf(tenant, id);
      records.delete(name);
      samples.delete(name);
    },
  };
}
