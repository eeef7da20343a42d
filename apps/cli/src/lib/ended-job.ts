import { isEnded, type Job, type UmbraClient } from '@umbra/client';
import { AppError } from '@umbra/shared/errors';

/** @throws {AppError} `conflict` if the job goes on. */
export async function getEndedJob(client: UmbraClient, id: string): Promise<Job> {
  const job = await client.getJob(id);
  if (isEnded(job)) return job;
  throw new AppError(
    'conflict',
    `Expected a job that has ended, got ${job.state}: 'umbra watch ${id}' waits for it`,
  );
}
