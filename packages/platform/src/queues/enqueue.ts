import type { IngestPayload } from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import type { ReportPayload } from '@umbra/shared/contracts/report';
import type {
  ArchivePayload,
  MergePayload,
  ShardPayload,
  WebhookPayload,
} from '@umbra/shared/contracts/shard';
import type { TrialPayload } from '@umbra/shared/contracts/trial';
import type { RowRange } from '@umbra/shared/occlusion/shards';
import type { FlowJob, JobsOptions, Queue } from 'bullmq';
import { queueJobIds, queueNames, type ShardQueue } from './names.js';

/** BullMQ options of work that must outlast a store or a Redis that is away for some minutes. */
export const outageJobOptions = {
  attempts: 8,
  backoff: { type: 'exponential', delay: 500 },
  removeOnComplete: true,
  removeOnFail: true,
} as const satisfies JobsOptions;

/** Attempts of a shard: after the last, the merge finds the failure and decides. */
const shardAttempts = 3;
/** Attempts to post an event, each after twice the time of the one before. */
const webhookAttempts = 13;
/** Share of each wait that chance takes off: receivers that were away are not asked by all at once. */
const webhookJitter = 0.3;
/** BullMQ runs jobs without a priority before all with one: an interactive job is waited for. */
const backgroundPriority = 10;

type JobQueue = Pick<Queue, 'add'>;

/** Queue the validation of a dataset. Does nothing while it is queued. */
export async function enqueueIngest(
  queue: JobQueue,
  { tenant, id: dataset }: Reference,
): Promise<void> {
  const payload: IngestPayload = { version: 1, tenant, dataset };
  const jobId = queueJobIds.ingest(dataset);
  await queue.add(queueNames.ingest, payload, { ...outageJobOptions, jobId });
}

/**
 * Queue the one job of the queue `dispatch`, whose lock makes its holder the fleet's only dispatcher.
 * Does nothing while there is one.
 */
export async function enqueueDispatcher(queue: JobQueue, jobId = 'dispatcher'): Promise<void> {
  await queue.add(queueNames.dispatch, { version: 1 }, { ...outageJobOptions, jobId });
}

/** Queue the archive of a job's attempt. Does nothing while it is queued. */
export async function enqueueArchive(
  queue: JobQueue,
  { tenant, id, attempt }: Reference & { readonly attempt: number },
): Promise<void> {
  const payload: ArchivePayload = { version: 1, tenant, jobId: id };
  const jobId = queueJobIds.archive(id, attempt);
  await queue.add(queueNames.archive, payload, { ...outageJobOptions, jobId });
}

/** Queue the report of a job. Does nothing while it is queued or written. */
export async function enqueueReport(queue: JobQueue, { tenant, id }: Reference): Promise<void> {
  const payload: ReportPayload = { version: 1, tenant, jobId: id };
  const jobId = queueJobIds.report(id);
  await queue.add(queueNames.report, payload, { ...outageJobOptions, jobId });
}

/** Begin a queued report at once, where it waits for more images: a newer request is of those that there are. */
export async function beginReport(
  queue: Pick<Queue, 'getJob'>,
  { id }: Pick<Reference, 'id'>,
): Promise<void> {
  const queued = await queue.getJob(queueJobIds.report(id));
  if (queued === undefined || !(await queued.isDelayed())) return;
  await queued.promote().catch(async (error: unknown) => {
    // It began by itself.
    if (await queued.isDelayed()) throw error;
  });
}

/** Queue a trial of a job. Does nothing while it is queued or runs. */
export async function enqueueTrial(
  queue: JobQueue,
  { tenant, id }: Reference,
  trial: string,
): Promise<void> {
  const payload: TrialPayload = { version: 1, tenant, jobId: id, trial };
  const jobId = queueJobIds.trial(trial);
  await queue.add(queueNames.trial, payload, { ...outageJobOptions, jobId });
}

export type WebhookJob = Omit<WebhookPayload, 'version'> & {
  /** 0 for the delivery itself, more for those that a user asks for. A round is queued once. */
  readonly round: number;
  /** Delay before the second attempt, ms; from 20 s on, the last is 16 to 23 hours after the first. */
  readonly retryMs: number;
};

/** Queue the delivery of an event to its receiver. Does nothing while this round is queued. */
export async function enqueueWebhook(
  queue: JobQueue,
  { tenant, jobId, delivery, round, retryMs }: WebhookJob,
): Promise<void> {
  const payload: WebhookPayload = { version: 1, tenant, jobId, delivery };
  await queue.add(queueNames.webhook, payload, {
    attempts: webhookAttempts,
    backoff: { type: 'exponential', delay: retryMs, jitter: webhookJitter },
    removeOnComplete: true,
    removeOnFail: true,
    jobId: queueJobIds.webhook(delivery, round),
  });
}

export type ImageFlow = {
  readonly work: MergePayload;
  readonly shards: readonly RowRange[];
  readonly shardQueue: ShardQueue;
  /** Whether the image runs before those of all jobs that are not interactive. */
  readonly interactive: boolean;
  /** Trace that its queue jobs carry; undefined for none. */
  readonly trace: string | undefined;
};

/** Flow of one image: its merge, with its shards as children. To be added by a FlowProducer. */
export function imageFlow({ work, shards, shardQueue, interactive, trace }: ImageFlow): FlowJob {
  const { jobId, attempt, item } = work;
  const options: JobsOptions = {
    ...outageJobOptions,
    ...(interactive ? {} : { priority: backgroundPriority }),
    ...(trace === undefined ? {} : { telemetry: { metadata: trace } }),
  };
  return {
    name: queueNames.merge,
    queueName: queueNames.merge,
    data: work,
    opts: { ...options, jobId: queueJobIds.merge(jobId, attempt, item.id) },
    children: shards.map(({ rowStart, rowEnd }) => ({
      name: queueNames.shard,
      queueName: queueNames[shardQueue],
      data: { ...work, rowStart, rowEnd } satisfies ShardPayload,
      opts: {
        ...options,
        attempts: shardAttempts,
        // A failed child must not strand its parent: the merge finds the failure and decides.
        ignoreDependencyOnFailure: true,
        jobId: queueJobIds.shard(jobId, attempt, item.id, rowStart),
      },
    })),
  };
}
