import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import { readImages } from '@umbra/platform/archive/archive-images';
import { openPart, type PartWriter } from '@umbra/platform/archive/archive-part';
import { isOutage } from '@umbra/platform/faults';
import { queueJobIds } from '@umbra/platform/queues/names';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { makeTemporaryFolder } from '@umbra/platform/temporary-folders';
import type { ArchivePart } from '@umbra/shared/contracts/archive';
import { type Counts, type FinalState, isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import { archivePayload } from '@umbra/shared/contracts/shard';
import { hasCode, reportError, unavailable } from '@umbra/shared/errors';
import type { Job } from 'bullmq';
import { countLoss, type ImageLoss } from '../jobs/count-loss.js';
import {
  cleanUp,
  endJob,
  failJob,
  type JobEndServices,
  readJob,
  type TenantJob,
  writeJob,
} from '../jobs/job-record.js';
import { isLastAttempt } from '../runtime/queue-jobs.js';
import type { StepResult } from '../runtime/step.js';

/** Maximum size of an object: S3 takes 10,000 parts, and the uploader's have 8 MiB. */
const maxPartBytes = 64 * 1024 ** 3;

/** Stream every result into zips in the store, and end the job. Safe to repeat. */
export async function runArchive(services: JobEndServices, queued: Job): Promise<StepResult> {
  const { tenant, jobId } = archivePayload.parse(queued.data);
  const { store, logger } = services;
  const job = await readJob(store, { tenant, id: jobId });
  // Queued again as it ended; the job may have been started again since.
  if (!isOfAttempt(queued, job)) return {};
  if (isFinal(job.state)) {
    // Ended by an attempt that was interrupted before it had cleaned up.
    if ((await store.head(keys.activeJob(tenant, jobId))) !== null) {
      await cleanUp(services, { tenant, job }, job.state);
    }
    return {};
  }
  try {
    const state = job.ending?.state ?? 'completed';
    const counts = await writeArchives(services, { tenant, job }, state);
    if (counts === null) {
      await runLostImages(services, { tenant, job });
      return {};
    }
    await endJob(services, { tenant, job }, { state, counts, error: job.ending?.error ?? null });
  } catch (error) {
    // A job that failed for want of its manifest has nothing to be archived by.
    const isLacking = job.ending !== null && hasCode(error, 'not_found');
    if (isOutage(error) || !(isLastAttempt(queued) || isLacking)) throw error;
    await failJob(services, { tenant, id: jobId }, job.ending?.error ?? reportError(error));
    logger.error({ jobId, error: reportError(error) }, 'archive failed');
  }
  return {};
}

/** Fail the job of an archive whose workers died of it. */
export async function failUnarchived(
  services: JobEndServices,
  queued: Job,
  error: Error,
): Promise<StepResult> {
  const { tenant, jobId } = archivePayload.parse(queued.data);
  const job = await readJob(services.store, { tenant, id: jobId });
  if (isOfAttempt(queued, job) && !isFinal(job.state)) {
    await failJob(services, { tenant, id: jobId }, reportError(error));
  }
  return {};
}

const isOfAttempt = (queued: Job, { id, attempt }: JobRecord): boolean =>
  queued.id === queueJobIds.archive(id, attempt);

/**
 * Have a job's images run again whose results the store has lost: their number is counted from the store
 * as the dispatcher starts the job once more. The record last: until then this archive is repeated.
 */
async function runLostImages(services: JobEndServices, { tenant, job }: TenantJob): Promise<void> {
  // One that was told to end runs nothing more: its archive is written again without them.
  if (job.ending !== null) throw unavailable(`Results of job ${job.id} were lost`);
  await services.progress.clear(job.id);
  await writeJob(services, { tenant, job }, { state: 'in_progress', finalizingAt: null });
  services.logger.warn({ jobId: job.id }, 'job continued after loss of results');
}

/** @returns null where results were lost of images that must run again; the others' stay. */
async function writeArchives(
  services: JobEndServices,
  { tenant, job }: TenantJob,
  state: FinalState,
): Promise<Counts | null> {
  const { store } = services;
  const folder = await makeTemporaryFolder('archive');
  const limit = Math.min(job.archivePartBytes ?? maxPartBytes, maxPartBytes);
  const parts: ArchivePart[] = [];
  const counts = { total: job.counts.total, completed: 0, failed: 0 };
  // A job that exceeded its error threshold leaves images that were never run, as a cancelled one does.
  const unfinishedAs = state === 'expired' ? 'expired' : 'cancelled';
  const openNext = () => {
    const number = parts.length + 1;
    const isOne = job.archivePartBytes === null && number === 1;
    const name = isOne ? 'archive.zip' : `archive-${String(number).padStart(4, '0')}.zip`;
    const spools = join(folder, String(number));
    const send = (body: Readable) => store.putStream(keys.archive(tenant, job.id, name), body);
    return openPart({ send, job, name, unfinishedAs, folder: spools });
  };
  const close = async (part: PartWriter): Promise<void> => {
    const { completed, failed } = part.counts();
    counts.completed += completed;
    counts.failed += failed;
    parts.push(await part.finish());
  };
  let part: PartWriter | undefined;
  let lastLost: string | null = null;
  try {
    part = await openNext();
    let largestImage = 0;
    let imageStart = 0;
    for await (const step of readImages({ store, tenant, job, mayLack: state !== 'completed' })) {
      if (step.outcome.state === 'lost' && step.item.id !== lastLost) {
        lastLost = step.item.id;
        await dropLostImage(services, { tenant, job }, { item: step.item, ...step.outcome });
      }
      if (lastLost !== null) continue;
      if (step.isFirst) {
        // Images are not split, and how large this one is shows only at its end.
        if (part.counts().total > 0 && part.bytes() + largestImage > limit) {
          await close(part);
          part = await openNext();
        }
        imageStart = part.bytes();
      }
      await part.add(step);
      if (step.isLast) largestImage = Math.max(largestImage, part.bytes() - imageStart);
    }
    if (lastLost !== null) {
      await part.abandon(new Error('Some results were lost'));
      return null;
    }
    await close(part);
    await putJson(store, keys.archives(tenant, job.id), { version: 1, parts });
    return counts;
  } catch (error) {
    await part?.abandon(error instanceof Error ? error : new Error(String(error)));
    throw error;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Have an image run again that lost some of its files, or fail it. Without its description it is not finished. */
async function dropLostImage(
  services: JobEndServices,
  { tenant, job }: TenantJob,
  { item, lost }: Omit<ImageLoss, 'jobId'>,
): Promise<void> {
  const { store } = services;
  // One that was told to end runs nothing more.
  const reason =
    job.ending === null ? await countLoss(services, { jobId: job.id, item, lost }) : null;
  await store.delete(keys.result(tenant, job.id, item.id, 'result.json'));
  if (reason !== null) await putJson(store, keys.error(tenant, job.id, item.id), reason);
}
