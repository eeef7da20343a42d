import { mkdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { type Job, type NewDataset, type UmbraClient, UmbraError } from '@umbra/client';
import { downloadArchive, uploadFiles } from '@umbra/client/files';
import type { Outputs } from '@umbra/shared/contracts/outputs';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { AppError } from '@umbra/shared/errors';
import { escapeHidden } from '@umbra/shared/visible-text';
import { extractArchive } from '../lib/archive.js';
import { required } from '../lib/flags.js';
import { printJson } from '../lib/output.js';
import { parseOutputs } from '../lib/outputs-flag.js';
import { createProgressBar } from '../lib/progress-bar.js';
import { openService, pollMs, type ServiceFlags } from '../lib/service.js';
import { parseSettings, type SettingsFlags } from '../lib/settings-flags.js';
import {
  type FailedImage,
  formatTable,
  readFailures,
  readSummaries,
  type Summary,
} from '../lib/summary.js';
import { hasFolder, uploadFolders } from '../lib/upload-folders.js';

export type SubmitOptions = SettingsFlags &
  ServiceFlags & {
    readonly model: string;
    readonly out?: string;
    readonly outputs?: string;
    readonly rowsPerShard?: string;
    readonly json?: boolean;
  };

export type Submission = {
  readonly api: string;
  readonly keyFile?: string | undefined;
  readonly photos: readonly string[];
  readonly model: string;
  readonly settings: OcclusionSettings;
  /** Which files the service keeps; its default when left out. */
  readonly outputs?: Outputs;
  readonly rowsPerShard?: number;
  /** Folder for `archive.zip` and its unpacked results. */
  readonly out: string;
};

export type SubmissionResult = {
  readonly job: string;
  readonly state: Job['state'];
  readonly counts: Job['counts'];
  readonly images: readonly Summary[];
  readonly errors: readonly FailedImage[];
  /** Files that the service did not take. */
  readonly refusals: NewDataset['refusals'];
  readonly seconds: number;
};

/** Submit photos through the command line. */
export async function submit(photos: readonly string[], options: SubmitOptions): Promise<void> {
  const out = resolve(required(options.out, '--out DIR'));
  const { api, keyFile, model, outputs, rowsPerShard } = options;
  const result = await runSubmission({
    api,
    keyFile,
    photos,
    model,
    settings: parseSettings(options),
    out,
    ...(outputs !== undefined && { outputs: parseOutputs(outputs) }),
    ...(rowsPerShard !== undefined && { rowsPerShard: Number(rowsPerShard) }),
  });
  for (const { name, error } of result.errors) {
    process.stderr.write(`${escapeHidden(name)}: ${error.message}\n`);
  }
  if (result.images.length > 0) {
    process.stderr.write(`\n${formatTable(result.images)}\n\nHeatmaps: ${out}\n`);
  }
  if (options.json) printJson(result);
  if (result.errors.length + result.refusals.length > 0) process.exitCode = 1;
}

/**
 * Upload, run, show progress, download and unpack.
 *
 * @throws {UmbraError} With the service's own code and words.
 */
export async function runSubmission(submission: Submission): Promise<SubmissionResult> {
  const startedAt = performance.now();
  const client = await openService({ api: submission.api, keyFile: submission.keyFile });
  const { id, refusals } = await upload(client, submission.photos);
  const job = await client.createJob({
    dataset: id,
    model: submission.model,
    settings: submission.settings,
    ...(submission.outputs === undefined ? {} : { outputs: [...submission.outputs] }),
    ...(submission.rowsPerShard === undefined ? {} : { rowsPerShard: submission.rowsPerShard }),
  });
  for (const warning of job.warnings ?? []) process.stderr.write(`warning: ${warning}\n`);
  const bar = createProgressBar('positions');
  let reported: string | null = null;
  const status = await client.waitForJob(job.id, {
    pollMs,
    onStatus({ positions, etaSeconds, waitingFor }) {
      if (waitingFor !== null && waitingFor !== reported) {
        process.stderr.write(`Waiting for ${waitingFor}\n`);
      }
      reported = waitingFor;
      bar.update(positions.done, positions.total ?? 0, etaSeconds);
    },
  });
  bar.end();
  if (status.state !== 'completed') {
    throw new AppError(
      status.error?.code ?? 'internal',
      `Job ${job.id} ${status.state}: ${status.error?.message ?? 'no reason given'}`,
    );
  }
  const seconds = (performance.now() - startedAt) / 1000;
  await mkdir(submission.out, { recursive: true });
  const archive = join(submission.out, 'archive.zip');
  await downloadArchive(client, job.id, archive);
  const results = join(submission.out, 'results');
  await extractArchive(archive, results);
  const images = await readSummaries(results);
  const errors = await readFailures(results);
  const { state, counts } = status;
  return { job: job.id, state, counts, images, errors, refusals, seconds };
}

/** Photos in one request, or folders in many; what is refused is told as soon as it is known. */
async function upload(
  client: UmbraClient,
  photos: readonly string[],
): Promise<Pick<NewDataset, 'id' | 'refusals'>> {
  const refusals: NewDataset['refusals'] = [];
  const onRefused = (refused: NewDataset['refusals']): void => {
    for (const { name, error } of refused) {
      process.stderr.write(`refused ${escapeHidden(name)}: ${error.message}\n`);
    }
    refusals.push(...refused);
  };
  if (await hasFolder(photos)) {
    const onSent = (files: number) => process.stderr.write(`sent ${files} files\n`);
    const { id } = await uploadFolders(client, photos, { onSent, onRefused });
    return { id, refusals };
  }
  try {
    const dataset = await uploadFiles(client, photos);
    onRefused(dataset.refusals);
    return { id: dataset.id, refusals };
  } catch (error) {
    // Where no file is an image, the reasons come with the refusal of them all.
    if (error instanceof UmbraError) onRefused(error.problem.refusals ?? []);
    throw error;
  }
}
