import { parseArgs } from 'node:util';
import { isEnded } from '@umbra/client';
import { invalidInput } from '@umbra/shared/errors';
import { openService, pollMs, serviceFlags } from '../lib/service.js';

export const cancelUsage = `  umbra cancel JOB [--api URL] [--key-file FILE]
      have a job of a service end; finished images stay, and are in its archive`;

/** Cancel a job, and wait until it has ended. */
export async function cancel(args: string[]): Promise<void> {
  const { values, positionals } = parseArgs({
    args,
    allowPositionals: true,
    options: serviceFlags,
  });
  const [job, ...others] = positionals;
  if (job === undefined || others.length > 0) {
    throw invalidInput(`Expected one JOB, got '${positionals.join(' ')}'`);
  }
  const client = await openService(values);
  const asked = await client.cancelJob(job);
  const { state, counts } = isEnded(asked) ? asked : await client.waitForJob(job, { pollMs });
  process.stderr.write(
    `Job ${job} ${state}: ${counts.completed} of ${counts.total} images finished\n`,
  );
}
