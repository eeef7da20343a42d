import type { Job } from '@umbra/client';
import { exitCodes } from '../lib/exit-codes.js';
import { comeBackTo, describeEnd, followJob, isFine } from '../lib/follow-job.js';
import { comingBackBy } from '../lib/interrupts.js';
import { printJson } from '../lib/output.js';
import { openPatientService, type PatientFlags } from '../lib/service.js';
import { say } from '../lib/terminal.js';

export type WatchOptions = PatientFlags & { readonly json?: boolean };

/** Follow a job to its end. Exits with 1 where it, or an image of it, failed. */
export async function watch(id: string, options: WatchOptions): Promise<void> {
  const client = await openPatientService(options);
  let printed = '';
  const print = (job: Job): void => {
    const line = JSON.stringify(job);
    if (options.json && line !== printed) printJson(job);
    printed = line;
  };
  const job = await comingBackBy(comeBackTo(id), () => followJob(client, id, print));
  say(describeEnd(job));
  if (!isFine(job)) process.exitCode = exitCodes.failed;
}
