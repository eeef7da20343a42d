import { resolve } from 'node:path';
import type { Job } from '@umbra/client';
import type { Outputs } from '@umbra/shared/contracts/outputs';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { invalidInput, type reportError } from '@umbra/shared/errors';
import { escapeHidden } from '@umbra/shared/visible-text';
import type { FailedImage } from '../lib/archive-lists.js';
import { downloadJob } from '../lib/download-job.js';
import { exitCodes, isAway } from '../lib/exit-codes.js';
import { parseNumber, required } from '../lib/flags.js';
import { comeBackTo, describeEnd, followJob, isFine } from '../lib/follow-job.js';
import { comingBackBy } from '../lib/interrupts.js';
import { printJson } from '../lib/output.js';
import { parseOutputs } from '../lib/outputs-flag.js';
import { checkResultFolder, writeOwner } from '../lib/result-folder.js';
import { openPatientService, type PatientFlags } from '../lib/service.js';
import { parseSettings, type SettingsFlags } from '../lib/settings-flags.js';
import { formatTable, type Summary } from '../lib/summary.js';
import { say } from '../lib/terminal.js';
import { upload } from '../lib/upload.js';
import type { Refusals } from '../lib/upload-folders.js';

export type SubmitOptions = SettingsFlags &
  PatientFlags & {
    readonly model: string;
    readonly out?: string;
    readonly outputs?: string;
    readonly rowsPerShard?: string;
    readonly json?: boolean;
  };

export type Submission = PatientFlags & {
  readonly photos: readonly string[];
  readonly model: string;
  readonly settings: OcclusionSettings;
  /** Which files the service keeps; its default when left out. */
  readonly outputs?: Outputs;
  readonly rowsPerShard?: number;
  /** Folder for the results; one that has no other job's. */
  readonly out: string;
  /** Runs what follows once the job is there, with its id. */
  readonly whenThere?: <T>(job: string, work: () => Promise<T>) => Promise<T>;
};

export type SubmissionResult = {
  /** null where there is none, since no file was accepted. */
  readonly job: string | null;
  readonly state: Job['state'];
  readonly counts: Job['counts'];
  /** Why there is no job, or why it ended early. */
  readonly error: ReturnType<typeof reportError> | Job['error'];
  readonly images: readonly Summary[];
  readonly errors: readonly FailedImage[];
  /** Files that the service did not take. */
  readonly refusals: Refusals;
  readonly seconds: number;
};

/** Submit photos through the command line. */
export async function submit(photos: readonly string[], options: SubmitOptions): Promise<void> {
  const out = resolve(required(options.out, '--out DIR'));
  const { api, keyFile, patience, model, outputs } = options;
  const result = await runSubmission({
    ...{ api, keyFile, patience, photos, model, out },
    settings: parseSettings(options),
    ...(outputs !== undefined && { outputs: parseOutputs(outputs) }),
    ...parseRows(options.rowsPerShard),
    whenThere: (job, work) =>
      comingBackBy(comeBackTo(job, `, 'umbra download ${job} --out ${out}' fetches it`), work),
  });
  printOutcome(result, out);
  if (options.json) printJson(result);
  if (!isAllRight(result)) process.exitCode = exitCodes.failed;
}

/** Whether every photo was explained. */
export const isAllRight = ({ state, counts, refusals }: SubmissionResult): boolean =>
  isFine({ state, counts }) && refusals.length === 0;

function parseRows(text: string | undefined): { readonly rowsPerShard?: number } {
  if (text === undefined) return {};
  const rowsPerShard = parseNumber(text);
  if (Number.isInteger(rowsPerShard) && rowsPerShard >= 1) return { rowsPerShard };
  throw invalidInput(`Expected --rows-per-shard to be an integer of 1 or more, got '${text}'`);
}

function printOutcome({ images, errors, refusals, ...job }: SubmissionResult, out: string): void {
  for (const { name, error } of errors) {
    process.stderr.write(`${escapeHidden(name)}: ${error.message}\n`);
  }
  if (images.length > 0) {
    process.stderr.write(`\n${formatTable(images)}\n\nHeatmaps: ${out}\n`);
  }
  const refused = refusals.length === 0 ? '' : `, ${refusals.length} refused`;
  if (job.job === null) say(`No job: ${job.error?.message ?? 'no file was accepted'}${refused}`);
  else say(`${describeEnd({ ...job, id: job.job })}${refused}`);
}

/**
 * Upload, run, show progress, and fetch what was finished, however the job ended.
 *
 * @throws {UmbraError} With the service's own code and words.
 */
export async function runSubmission(submission: Submission): Promise<SubmissionResult> {
  const { photos, model, settings, outputs, rowsPerShard, out } = submission;
  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  await checkResultFolder(out, null);
  const client = await openPatientService(submission);
  const { id, refusals, error } = await upload(client, photos);
  if (id === null) {
    const counts = { total: 0, completed: 0, failed: 0 };
    const nothing = { job: null, state: 'failed', counts, images: [], errors: [] } as const;
    return { ...nothing, error, refusals, seconds: seconds() };
  }
  const job = await client.createJob({
    ...{ dataset: id, model, settings },
    ...(outputs !== undefined && { outputs: [...outputs] }),
    ...(rowsPerShard !== undefined && { rowsPerShard }),
  });
  // At once: whatever happens here, the job is found again by it.
  say(`Job ${job.id}`);
  await writeOwner(out, job.id);
  for (const warning of job.warnings ?? []) say(`warning: ${warning}`);
  const whenThere = submission.whenThere ?? ((_, work) => work());
  return await whenThere(job.id, async () => {
    const ended = await followJob(client, job.id).catch((error: unknown) => {
      if (isAway(error)) say(comeBackTo(job.id));
      throw error;
    });
    const { images, errors } = await downloadJob(client, ended, out);
    const { state, counts } = ended;
    const more = { images, errors, refusals, seconds: seconds() };
    return { job: job.id, state, counts, error: ended.error, ...more };
  });
}
