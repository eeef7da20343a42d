import { resolve } from 'node:path';
import { downloadJob } from '../lib/download-job.js';
import { getEndedJob } from '../lib/ended-job.js';
import { exitCodes } from '../lib/exit-codes.js';
import { required } from '../lib/flags.js';
import { describeEnd, isFine } from '../lib/follow-job.js';
import { comingBackBy } from '../lib/interrupts.js';
import { printJson } from '../lib/output.js';
import { checkResultFolder, writeOwner } from '../lib/result-folder.js';
import { openPatientService, type PatientFlags } from '../lib/service.js';
import { formatTable } from '../lib/summary.js';
import { say } from '../lib/terminal.js';

export type DownloadFlags = PatientFlags & { readonly out?: string; readonly json?: boolean };

/** Fetch the results of a job that has ended: what is missing of them. */
export async function download(id: string, options: DownloadFlags): Promise<void> {
  const out = resolve(required(options.out, '--out DIR'));
  await checkResultFolder(out, id);
  const client = await openPatientService(options);
  const job = await getEndedJob(client, id);
  await writeOwner(out, id);
  const again = `the same command goes on where it broke off`;
  const { fetched, kept, images, errors } = await comingBackBy(again, () =>
    downloadJob(client, job, out),
  );
  if (images.length > 0) {
    process.stderr.write(`\n${formatTable(images)}\n\nHeatmaps: ${out}\n`);
  }
  say(`${fetched} files fetched, ${kept} were there; all are as SHA256SUMS has them`);
  say(describeEnd(job));
  const { state, counts } = job;
  if (options.json) printJson({ job: id, state, counts, fetched, kept, images, errors });
  if (!isFine(job)) process.exitCode = exitCodes.failed;
}
