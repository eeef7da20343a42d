import { allowedStrategy, inputSize, planOcclusion } from '@umbra/engine';
import {
  cancellation,
  type DatasetItem,
  type DispatchPayload,
  datasetItem,
  describeModel,
  dispatchPayload,
  engineOptionsOf,
  getJson,
  hasCode,
  imageIndexOf,
  isFinal,
  type JobRecord,
  keys,
  type ModelBundle,
  needsWholeImage,
  type Plan,
  type Progress,
  patientJob,
  planShards,
  queueJobIds,
  queueNames,
  readJsonLines,
  reportError,
  shardQueueFor,
} from '@umbra/shared';
import { DelayedError, type Job } from 'bullmq';
import type { Context } from './context.js';
import { failJob, readJob, writeJob } from './job-record.js';
import { recordFailure } from './merge.js';
import { chooseRowsPerShard, type ShardSizing } from './rows-per-shard.js';

const tickMs = 100;
const cancelGraceMs = 1_500;
const mergeStates = ['waiting-children', 'wait', 'active', 'delayed', 'prioritized'] as const;

/**
 * Keep a job's window of images full, until all are finished.
 *
 * One queue job a tick, held by its lock, so a job has one dispatcher at a time; a tick that dies is
 * run again, and adding an image twice is harmless since queue ids are the same.
 */
export async function runDispatch(context: Context, job: Job, token?: string): Promise<void> {
  const payload = dispatchPayload.parse(job.data);
  try {
    if (await tick(context, payload)) return;
  } catch (error) {
    if (!hasCode(error) || ['unavailable', 'internal'].includes(error.code)) throw error;
    context.logger.error({ jobId: payload.jobId, error: reportError(error) }, 'job failed');
    // A job that was withdrawn while it was being queued has no record, and nobody to be told.
    if ((await context.store.head(keys.job(payload.tenant, payload.jobId))) === null) return;
    await failJob(context, payload.tenant, payload.jobId, reportError(error));
    return;
  }
  await job.moveToDelayed(Date.now() + tickMs, token);
  throw new DelayedError();
}

/** @returns Whether dispatching is over. */
async function tick(context: Context, { tenant, jobId }: DispatchPayload): Promise<boolean> {
  const job = await readJob(context.store, tenant, jobId);
  if (isFinal(job.state)) return true;
  const cancelledAtMs = await cancellationOf(context, tenant, jobId);
  if (cancelledAtMs !== null && job.state !== 'finalizing') {
    // What runs is given time to end, so that an image that is about to be finished is.
    if (Date.now() < cancelledAtMs + cancelGraceMs) return false;
    return finalize(context, tenant, job);
  }
  allowedStrategy(job.settings.strategy, engineOptionsOf(context.config));
  if (job.state !== 'finalizing') {
    // Counted before progress is read: a merge counts its image before it leaves its queue.
    const merges = await context.mergeQueue.getJobCountByTypes(...mergeStates);
    const progress =
      (await context.progress.read(jobId)) ?? (await startProgress(context, tenant, job));
    const finished = progress.completed + progress.failed;
    if (finished < job.counts.total) {
      const isLost = merges === 0 && finished < progress.cursor.index;
      if (isLost) await findLostImages(context, jobId);
      else await fillWindow(context, tenant, job, progress);
      return false;
    }
    return finalize(context, tenant, job);
  }
  await queueArchive(context, tenant, jobId);
  return true;
}

/** @returns When the job was told to end; null if it was not. */
async function cancellationOf(
  { store, progress }: Context,
  tenant: string,
  jobId: string,
): Promise<number | null> {
  try {
    const { requestedAt } = await getJson(store, keys.cancellation(tenant, jobId), cancellation);
    // Shards ask Redis, which may have come back empty.
    await progress.cancel(jobId);
    return Date.parse(requestedAt);
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  }
}

async function finalize(context: Context, tenant: string, job: JobRecord): Promise<true> {
  await writeJob(context, tenant, job, {
    state: 'finalizing',
    finalizingAt: new Date().toISOString(),
  });
  await queueArchive(context, tenant, job.id);
  return true;
}

async function queueArchive(context: Context, tenant: string, jobId: string): Promise<void> {
  // Not only once: an archive that was lost with Redis is queued again.
  await context.archiveQueue.add(
    queueNames.archive,
    { version: 1, tenant, jobId },
    { ...patientJob, jobId: queueJobIds.archive(jobId) },
  );
}

/**
 * No merge is queued, and yet images are missing: their merges were lost with a part of Redis, or
 * gave up while the store was away.
 */
async function findLostImages({ progress, logger }: Context, jobId: string): Promise<void> {
  logger.warn({ jobId }, 'images lost from the queue; reading the manifest again');
  await progress.rewind(jobId);
}

/**
 * Begin, or begin again after Redis was lost: the store says which images are finished.
 */
async function startProgress(context: Context, tenant: string, job: JobRecord): Promise<Progress> {
  const { store, progress, logger } = context;
  const startedAt = job.startedAt ?? new Date().toISOString();
  if (job.state === 'queued')
    await writeJob(context, tenant, job, { state: 'in_progress', startedAt });
  let known = 0;
  for await (const { key } of store.list(keys.results(tenant, job.id))) {
    if (!key.endsWith('/result.json')) continue;
    const index = imageIndexOf(key.split('/').at(-2) ?? '');
    if (await progress.finishImage(job.id, index, 'completed')) {
      await progress.addPositions(job.id, job.positionsPerImage ?? 0);
      known += 1;
    }
  }
  for await (const { key } of store.list(keys.errors(tenant, job.id))) {
    const index = imageIndexOf(key.split('/').at(-1)?.replace('.json', '') ?? '');
    await progress.finishImage(job.id, index, 'failed');
    known += 1;
  }
  // Last: where this field stands, the rest has been taken over.
  await progress.start(job.id, Date.now());
  logger.info({ jobId: job.id, images: job.counts.total, known }, 'job started');
  const started = await progress.read(job.id);
  if (started === null) throw new Error(`Progress of job ${job.id} vanished`);
  return started;
}

/** Read on in the manifest and queue images until the window is full. */
async function fillWindow(
  context: Context,
  tenant: string,
  job: JobRecord,
  progress: Progress,
): Promise<void> {
  const { index, offset } = progress.cursor;
  const left = job.counts.total - index;
  // A finished image before the cursor frees a place; after a restart the cursor is at the start.
  let room =
    context.config.UMBRA_WINDOW_IMAGES - Math.max(0, index - progress.completed - progress.failed);
  if (left === 0 || room <= 0) return;
  const bundle = await describeModel(context.store, job.model.name, job.model.digest);
  const lanes =
    context.config.UMBRA_LANES *
    (await context.shardQueues[shardQueueFor(bundle.format)].getWorkersCount());
  const secondsPerPosition = (await context.pace.read()).get(job.model.name) ?? null;
  const sizing = { images: left, lanes, secondsPerPosition };
  const key = keys.manifest(tenant, job.dataset);
  const size = (await context.store.head(key))?.bytes ?? 0;
  const { body } = await context.store.stream(key, {
    start: offset,
    end: Math.max(size, offset + 1),
  });
  let cursor = progress.cursor;
  try {
    for await (const { value: item, bytes } of readJsonLines(body, datasetItem)) {
      if (room === 0) break;
      if (!(await context.progress.isFinished(job.id, imageIndexOf(item.id)))) {
        await addImage(context, tenant, job, item, bundle, sizing);
        room -= 1;
      }
      cursor = { index: cursor.index + 1, offset: cursor.offset + bytes };
      await context.progress.advance(job.id, cursor);
    }
  } finally {
    body.destroy();
  }
}

async function addImage(
  context: Context,
  tenant: string,
  job: JobRecord,
  item: DatasetItem,
  bundle: ModelBundle,
  sizing: Pick<ShardSizing, 'images' | 'lanes' | 'secondsPerPosition'>,
): Promise<void> {
  const { dataset, model, settings } = job;
  const { run, reuse } = job;
  const image = { version: 1, tenant, jobId: job.id, dataset, item } as const;
  const work = { ...image, model, settings, run, reuse } as const;
  let plan: Plan;
  try {
    plan = planOcclusion(inputSize(bundle.input, item), settings);
  } catch (error) {
    // Inputs may vary in size: a patch that one of them cannot hold is that image's failure.
    await recordFailure(context, work, reportError(error));
    return;
  }
  const { rows } = plan;
  const positionsPerRow = Math.max(...plan.grids.map(({ columns }) => columns));
  const targetSeconds = context.config.UMBRA_SHARD_SECONDS;
  const rowsPerShard = needsWholeImage(settings)
    ? rows
    : (job.rowsPerShard ?? chooseRowsPerShard({ rows, positionsPerRow, ...sizing, targetSeconds }));
  await context.flows.add({
    name: queueNames.merge,
    queueName: queueNames.merge,
    data: work,
    opts: { ...patientJob, jobId: queueJobIds.merge(job.id, item.id) },
    children: planShards(rows, rowsPerShard).map(({ rowStart, rowEnd }) => ({
      name: queueNames.shard,
      queueName: queueNames[shardQueueFor(bundle.format)],
      data: { ...work, rowStart, rowEnd },
      opts: {
        ...patientJob,
        attempts: 3,
        // A failed child must not strand its parent: the merge finds the failure and decides.
        ignoreDependencyOnFailure: true,
        jobId: queueJobIds.shard(job.id, item.id, rowStart),
      },
    })),
  });
}
