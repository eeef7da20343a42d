import { allowedStrategy } from '@umbra/engine';
import { engineOptionsOf } from '@umbra/platform/config';
import {
  outageJobOptions,
  queueJobIds,
  queueNames,
  shardQueueFor,
} from '@umbra/platform/queues/queues';
import { getJson } from '@umbra/platform/store/json';
import { matchKey, parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { describeModel } from '@umbra/platform/store/models';
import { positionsOf } from '@umbra/platform/tenancy/count-usage';
import { storedDataset } from '@umbra/shared/contracts/dataset';
import type { Ending, JobRecord } from '@umbra/shared/contracts/job';
import { hasCode, invalidInput } from '@umbra/shared/errors';
import { imageIdAt, imageIndexOf } from '@umbra/shared/ids';
import { cleanUp, endedAtMs, endJob, readJob, writeJob } from '../jobs/job-record.js';
import type { WorkerServices } from '../services.js';
import { type Launch, launchImages } from './launch.js';
import { createManifestReader, readItemAt } from './manifest-reader.js';
import type { LoadedJob, TrackedJob } from './tracked-job.js';

/** How often what changes slowly is looked at again. */
const slowlyMs = 1_000;

/** Read a job's record, and tell Redis what its user asked for: it may have come back empty. */
export async function loadJob(services: WorkerServices, tracked: TrackedJob): Promise<void> {
  const { store, progress } = services;
  const { tenant, jobId } = tracked;
  const job = await readJob(store, tenant, jobId);
  allowedStrategy(job.settings.strategy, engineOptionsOf(services.config));
  const bundle = await describeModel(store, job.model.name, job.model.digest);
  const isEnding =
    job.state === 'cancelling' || (await store.head(keys.cancellation(tenant, jobId))) !== null;
  if (isEnding) await progress.cancel(jobId);
  const isPaused = (await store.head(keys.pause(tenant, jobId))) !== null;
  await progress.setPaused(jobId, isPaused);
  tracked.loaded = { bundle, queue: shardQueueFor(bundle.format) };
  tracked.job = job;
}

/**
 * A job waits for its dataset. What it takes of its tenant's positions is known, and booked, only then.
 *
 * @throws {AppError} `invalid_input` when there will be none; `quota_exceeded`.
 */
export async function validate(services: WorkerServices, tracked: LoadedJob): Promise<void> {
  const { tenant, job } = tracked;
  const record = await getJson(
    services.store,
    keys.dataset(tenant, job.dataset),
    storedDataset,
  ).catch((error: unknown) => {
    if (!hasCode(error, 'not_found')) throw error;
    throw invalidInput(`Dataset '${job.dataset}' was deleted`);
  });
  if (record.state === 'failed') {
    throw invalidInput(`Dataset '${job.dataset}' failed: ${record.error?.message}`);
  }
  if (record.state !== 'ready') {
    tracked.notBeforeMs = Date.now() + slowlyMs;
    return;
  }
  const counts = { total: record.images, completed: 0, failed: 0 };
  const { quotas } = await services.readTenant(tenant);
  await services.usage.reserveJob(tenant, quotas, job.id, positionsOf({ ...job, counts }));
  tracked.job = await writeJob(services, tenant, job, { state: 'queued', counts });
}

/**
 * Begin, or begin again after Redis was lost or for a retry: the store says which images are finished.
 */
export async function start(services: WorkerServices, tracked: LoadedJob): Promise<void> {
  const { store, progress, logger } = services;
  const { tenant, job } = tracked;
  const isRetry = job.state === 'queued' && job.attempt > 1;
  if (isRetry) {
    // What an image of the last run has added after that had ended.
    await progress.clear(job.id);
    for await (const { key } of store.list(keys.errors(tenant, job.id))) await store.delete(key);
  }
  // Nothing can be finished of a job that is begun for the first time.
  const known = job.state === 'queued' && !isRetry ? 0 : await countFinished(services, tracked);
  // Last: where this field stands, the rest has been taken over.
  await progress.start(job.id, Date.now());
  tracked.reader = openReader(services, tracked, { index: 0, offset: 0 });
  if (job.state === 'queued') {
    const startedAt = job.startedAt ?? new Date().toISOString();
    tracked.job = await writeJob(services, tenant, job, { state: 'in_progress', startedAt });
  }
  logger.info({ jobId: job.id, images: job.counts.total, known }, 'job started');
}

async function countFinished(
  { store, progress }: WorkerServices,
  { tenant, job }: LoadedJob,
): Promise<number> {
  let known = 0;
  for await (const { key } of store.list(keys.results(tenant, job.id))) {
    const found = matchKey('result', key);
    if (found?.file !== 'result.json') continue;
    const index = imageIndexOf(found.image);
    if (await progress.finishImage(job.id, index, 'completed')) {
      await progress.addPositions(job.id, job.positionsPerImage ?? 0);
      known += 1;
    }
  }
  for await (const { key } of store.list(keys.errors(tenant, job.id))) {
    const index = imageIndexOf(parseKey('error', key).image);
    await progress.finishImage(job.id, index, 'failed');
    known += 1;
  }
  return known;
}

/** Where another dispatcher left off. */
export const openReader = (
  { store, progress }: WorkerServices,
  { tenant, job }: LoadedJob,
  from: { readonly index: number; readonly offset: number },
) =>
  createManifestReader({
    store,
    key: keys.manifest(tenant, job.dataset),
    from,
    readFinished: (first, count) => progress.readFinished(job.id, first, count),
  });

export async function pause(services: WorkerServices, tracked: LoadedJob): Promise<void> {
  const pausedAt = new Date().toISOString();
  tracked.job = await writeJob(services, tracked.tenant, tracked.job, {
    state: 'paused',
    pausedAt,
  });
}

export async function resume(services: WorkerServices, tracked: LoadedJob): Promise<void> {
  const changes = { state: 'in_progress', pausedAt: null } as const;
  tracked.job = await writeJob(services, tracked.tenant, tracked.job, changes);
}

/** Stop what runs; what is finished stays. */
export async function end(
  services: WorkerServices,
  tracked: LoadedJob,
  ending: Ending,
): Promise<void> {
  const { tenant, job } = tracked;
  const cancellingAt = ending.requestedAt;
  const changes = { state: 'cancelling', cancellingAt, ending } as const;
  // The reason first: of what is only told to stop, another dispatcher would say that a user did it.
  const next = await writeJob(services, tenant, job, changes);
  if (next.state !== 'cancelling') return reset(tracked, next);
  await services.progress.cancel(job.id);
  tracked.job = next;
}

/** How long the end of a job may take before it counts as cut off. */
const cutOffMs = 60_000;

/**
 * What is to be done about a job that is final here: it may have been begun again, or its end may have
 * been cut off.
 *
 * @returns Whether it can be forgotten.
 */
export async function forget(services: WorkerServices, tracked: LoadedJob): Promise<boolean> {
  const { store, progress } = services;
  const { tenant, jobId } = tracked;
  const job = await readJob(store, tenant, jobId);
  const endedMs = endedAtMs(job);
  if (endedMs === null) {
    reset(tracked, job);
    return false;
  }
  if ((await store.head(keys.activeJob(tenant, jobId))) !== null) {
    if (Date.now() - endedMs < cutOffMs) {
      tracked.notBeforeMs = Date.now() + slowlyMs;
      return false;
    }
    await cleanUp(services, tenant, job);
  }
  await progress.unregister(jobId);
  return true;
}

/** Another process has written the record: go on from there. */
function reset(tracked: LoadedJob, job: JobRecord): void {
  tracked.job = job;
  delete tracked.reader;
}

/** Have the archive written, which ends the job; end it where there is nothing to archive. */
export async function finalize(services: WorkerServices, tracked: LoadedJob): Promise<void> {
  const { tenant, job } = tracked;
  const { ending } = job;
  if (job.interactive || job.startedAt === null) {
    const live = await services.progress.read(job.id);
    const { completed = 0, failed = 0 } = live ?? {};
    const counts = { total: job.counts.total, completed, failed };
    const error = ending?.error ?? null;
    tracked.job = await endJob(services, tenant, job, ending?.state ?? 'completed', {
      counts,
      error,
    });
    return;
  }
  const finalizingAt = new Date().toISOString();
  const stored =
    job.state === 'finalizing'
      ? await readJob(services.store, tenant, job.id)
      : await writeJob(services, tenant, job, { state: 'finalizing', finalizingAt });
  // The archive's step writes the record from here on, and a user may have the job begun again.
  if (stored.state !== 'finalizing' || stored.attempt !== job.attempt)
    return reset(tracked, stored);
  tracked.job = stored;
  // Not only once: an archive that was lost with Redis is queued again.
  const carrier = await services.traces.recall(job.id);
  await services.tracing.within(carrier, () =>
    services.archiveQueue.add(
      queueNames.archive,
      { version: 1, tenant, jobId: job.id },
      { ...outageJobOptions, jobId: queueJobIds.archive(job.id, job.attempt) },
    ),
  );
  tracked.notBeforeMs = Date.now() + slowlyMs;
}

/**
 * Queue again what is in flight and in no queue: it was lost between the two, or its merge gave up
 * while the store was away.
 */
export async function findLost(
  services: WorkerServices,
  tracked: LoadedJob,
  sizing: Pick<Launch, 'inferenceThreads' | 'secondsPerPosition'>,
): Promise<void> {
  const { store, progress, mergeQueue, logger } = services;
  const { tenant, job, loaded } = tracked;
  for (const cursor of await progress.listInFlight(job.id)) {
    const imageId = imageIdAt(cursor.index);
    if ((await mergeQueue.getJob(queueJobIds.merge(job.id, job.attempt, imageId))) !== undefined)
      continue;
    if (await progress.isFinished(job.id, cursor.index)) {
      await progress.dropImage(job.id, cursor.index);
      continue;
    }
    logger.warn({ jobId: job.id, imageId }, 'image lost from the queue; queued again');
    const item = await readItemAt(store, keys.manifest(tenant, job.dataset), cursor);
    await launchImages(services, [
      { tenant, job, bundle: loaded.bundle, items: [item], imagesLeft: 1, ...sizing },
    ]);
  }
}
