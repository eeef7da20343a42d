import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { queueJobIds } from '@umbra/platform/queues/queues';
import { putJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ArchivePart } from '@umbra/shared/contracts/archive';
import { type Counts, type FinalState, isFinal, type JobRecord } from '@umbra/shared/contracts/job';
import { archivePayload } from '@umbra/shared/contracts/shard';
import { reportError } from '@umbra/shared/errors';
import type { Job } from 'bullmq';
import { cleanUp, endJob, failJob, readJob } from '../jobs/job-record.js';
import type { WorkerServices } from '../services.js';
import { readImages } from './archive-images.js';
import { openPart, type PartWriter } from './archive-part.js';

/** An object of a bucket has at most 10,000 parts of the uploader's 8 MiB. */
const maxPartBytes = 64 * 1024 ** 3;

/** Stream every result into zips in the store, and end the job. Safe to repeat. */
export async function runArchive(services: WorkerServices, queued: Job): Promise<void> {
  const { tenant, jobId } = archivePayload.parse(queued.data);
  const { store, logger } = services;
  const job = await readJob(store, tenant, jobId);
  // Queued once more as it ended; the job may have been begun again since.
  if (!isOfRun(queued, job)) return;
  if (isFinal(job.state)) {
    // Ended by an attempt that could not tell of it any more.
    if ((await store.head(keys.activeJob(tenant, jobId))) !== null) {
      await cleanUp(services, tenant, job);
    }
    return;
  }
  try {
    const state = job.ending?.state ?? 'completed';
    const counts = await writeArchives(services, tenant, job, state);
    await endJob(services, tenant, job, state, { counts, error: job.ending?.error ?? null });
  } catch (error) {
    if (queued.attemptsMade + 1 < (queued.opts.attempts ?? 1)) throw error;
    await failJob(services, tenant, jobId, reportError(error));
    logger.error({ jobId, error: reportError(error) }, 'archive failed');
  }
}

/** An archive that ended without its step, since its workers died of it. */
export async function failUnarchived(
  services: WorkerServices,
  queued: Job,
  error: Error,
): Promise<void> {
  const { tenant, jobId } = archivePayload.parse(queued.data);
  const job = await readJob(services.store, tenant, jobId);
  if (isOfRun(queued, job) && !isFinal(job.state)) {
    await failJob(services, tenant, jobId, reportError(error));
  }
}

const isOfRun = (queued: Job, { id, attempt }: JobRecord): boolean =>
  queued.id === queueJobIds.archive(id, attempt);

async function writeArchives(
  services: WorkerServices,
  tenant: string,
  job: JobRecord,
  state: FinalState,
): Promise<Counts> {
  const { store } = services;
  const folder = await mkdtemp(join(tmpdir(), 'umbra-archive-'));
  const limit = Math.min(job.archivePartBytes ?? maxPartBytes, maxPartBytes);
  const parts: ArchivePart[] = [];
  const counts = { total: job.counts.total, completed: 0, failed: 0 };
  // A job that failed for its images' sake leaves images that were never run, as a cancelled one does.
  const unfinishedAs = state === 'expired' ? 'expired' : 'cancelled';
  const openNext = () => {
    const number = parts.length + 1;
    const isOne = job.archivePartBytes === null && number === 1;
    const name = isOne ? 'archive.zip' : `archive-${String(number).padStart(4, '0')}.zip`;
    const spools = join(folder, String(number));
    return openPart({ store, tenant, job, name, unfinishedAs, folder: spools });
  };
  const close = async (part: PartWriter): Promise<void> => {
    const { completed, failed } = part.counts();
    counts.completed += completed;
    counts.failed += failed;
    parts.push(await part.finish());
  };
  let part: PartWriter | undefined;
  try {
    part = await openNext();
    let largestImage = 0;
    let imageStart = 0;
    for await (const step of readImages({ store, tenant, job, mayLack: state !== 'completed' })) {
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
