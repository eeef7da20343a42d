import { openEngine } from '@umbra/engine';
import {
  createLogger,
  createProgressBook,
  openStore,
  queueNames,
  redisPrefix,
  reportError,
} from '@umbra/shared';
import { FlowProducer, type Job, Queue, Worker } from 'bullmq';
import { Redis } from 'ioredis';
import { failUnarchived, runArchive } from './archive.js';
import type { WorkerConfig } from './config.js';
import type { Context } from './context.js';
import { runDispatch } from './dispatch.js';
import { failUnmerged, runMerge } from './merge.js';
import { createModelShelf } from './model-shelf.js';
import { keepResuming, resumeJobs } from './resume.js';
import { runShard } from './shard.js';

export type RunningWorker = {
  /** Take no more work, let running shards end until the deadline, then give them back. */
  close(): Promise<void>;
};

/** A worker dies with its shard at most this often before the shard counts as failed. */
const maxStalledCount = 3;

/** Start every consumer of this process. @throws {AppError} `unavailable` if the store is. */
export async function startWorker(config: Readonly<WorkerConfig>): Promise<RunningWorker> {
  const logger = createLogger('umbra-worker', config.UMBRA_LOG_LEVEL);
  const store = openStore(config);
  await store.check();
  const redis = new Redis(config.REDIS_URL, { maxRetriesPerRequest: null });
  redis.on('error', (error) => logger.warn({ reason: error.message }, 'redis is not reachable'));
  const engine = openEngine({
    lanes: config.UMBRA_LANES,
    batchBytes: config.UMBRA_BATCH_MB * 1024 * 1024,
  });
  const shutdown = new AbortController();
  const shared = { connection: redis, prefix: redisPrefix };
  const queue = (name: string) => new Queue(name, shared);
  const context: Context = {
    config,
    store,
    progress: createProgressBook(redis),
    engine,
    shelf: createModelShelf(store, engine, config.UMBRA_CACHE_DIR),
    flows: new FlowProducer(shared),
    dispatchQueue: queue(queueNames.dispatch),
    shardQueue: queue(queueNames.shard),
    mergeQueue: queue(queueNames.merge),
    archiveQueue: queue(queueNames.archive),
    logger,
    shutdown: shutdown.signal,
  };
  const consume = (
    name: string,
    concurrency: number,
    run: (context: Context, job: Job, token?: string) => Promise<unknown>,
    giveUp?: (context: Context, job: Job, error: Error) => Promise<void>,
  ) => {
    const worker = new Worker(name, (job, token) => run(context, job, token), {
      ...shared,
      concurrency,
      lockDuration: config.UMBRA_LOCK_MS,
      stalledInterval: Math.max(1_000, config.UMBRA_LOCK_MS / 2),
      maxStalledCount,
    });
    worker.on('error', (error) =>
      logger.warn({ queue: name, reason: error.message }, 'queue error'),
    );
    worker.on('failed', (job, error) => {
      logger.warn({ queue: name, id: job?.id, reason: error.message }, 'attempt failed');
      if (job?.finishedOn === undefined) return;
      giveUp?.(context, job, error).catch((reason: unknown) =>
        logger.warn({ queue: name, id: job.id, error: reportError(reason) }, 'cannot give up'),
      );
    });
    return worker;
  };
  const consumers = [
    consume(queueNames.dispatch, 4, runDispatch),
    consume(queueNames.shard, config.UMBRA_LANES, runShard),
    consume(queueNames.merge, 2, runMerge, failUnmerged),
    consume(queueNames.archive, 1, runArchive, failUnarchived),
  ];
  await Promise.all(consumers.map((worker) => worker.waitUntilReady()));
  await resumeJobs(context);
  const stopResuming = keepResuming(context);
  logger.info({ lanes: config.UMBRA_LANES, store: store.kind }, 'worker ready');

  return {
    async close() {
      stopResuming();
      const deadline = setTimeout(() => shutdown.abort(), config.UMBRA_SHUTDOWN_MS);
      // Closing waits for running work without a limit of its own; the signal ends what is left.
      await Promise.all(consumers.map((worker) => worker.close()));
      clearTimeout(deadline);
      const { flows, dispatchQueue, shardQueue, mergeQueue, archiveQueue } = context;
      const producers = [flows, dispatchQueue, shardQueue, mergeQueue, archiveQueue];
      await Promise.all(producers.map((producer) => producer.close()));
      await engine.close();
      redis.disconnect();
    },
  };
}
