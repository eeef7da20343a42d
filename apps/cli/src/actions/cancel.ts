import { isEnded } from '@umbra/client';
import { openService, pollMs, type ServiceFlags } from '../lib/service.js';

/** Cancel a job, and wait until it has ended. */
export async function cancel(job: string, flags: ServiceFlags): Promise<void> {
  const client = await openService(flags);
  const asked = await client.cancelJob(job);
  const { state, counts } = isEnded(asked) ? asked : await client.waitForJob(job, { pollMs });
  process.stderr.write(
    `Job ${job} ${state}: ${counts.completed} of ${counts.total} images finished\n`,
  );
}
