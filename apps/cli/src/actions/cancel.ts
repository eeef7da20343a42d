import { isEnded } from '@umbra/client';
import { printJson } from '../lib/output.js';
import { openService, pollMs, type ServiceFlags } from '../lib/service.js';

export type CancelOptions = ServiceFlags & { readonly json?: boolean };

/** Cancel a job, and wait until it has ended. */
export async function cancel(id: string, options: CancelOptions): Promise<void> {
  const client = await openService(options);
  const asked = await client.cancelJob(id);
  const job = isEnded(asked) ? asked : await client.waitForJob(id, { pollMs });
  if (options.json) printJson(job);
  const { state, counts } = job;
  process.stderr.write(
    `Job ${id} ${state}: ${counts.completed} of ${counts.total} images finished\n`,
  );
}
