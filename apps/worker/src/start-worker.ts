import { setTimeout as sleep } from 'node:timers/promises';
import { openEngine } from '@umbra/engine';
import {
  createLogger,
  createProgressBook,
  openStore,
  queueNames,
  redisPrefix,
} from '@umbra/shared';
import { FlowProducer, Queue } from 'bullmq';
import { Redis } from 'ioredis';
import { failUnarchived, runArchive } from './archive.js';
import type { WorkerConfig } from './config.js';
import { consume } from './consume.js';
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

/** Producers hold no work: they are given this long to say goodbye to Redis. */
const producersMs = 1_000;

const steps = {
  dispatch: { name: queueNames.dispatch, concurrency: 4, run: runDispatch },
  shard: { name: queueNames.shard, run: runShard },
  merge: { name: queueNames.merge, concurrency: 2, run: runMerge, giveUp: failUnmerged },
  archive: { name: queueNames.archive, concurrency: 1, run: runArchive, giveUp: failUnarchived },
};

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
  const { flows, dispatchQueue, shardQueue, mergeQueue, archiveQueue } = context;
  const queues = [dispatchQueue, shardQueue, mergeQueue, archiveQueue];
  // Their connection is shared, and logs for itself: unheard, each of them would print it too.
  flows.on('error', () => undefined);
  for (const unheard of queues) unheard.on('error', () => undefined);

  const consumers = [
    consume(context, redis, steps.dispatch),
    consume(context, redis, { ...steps.shard, concurrency: config.UMBRA_LANES }),
    consume(context, redis, steps.merge),
    consume(context, redis, steps.archive),
  ];
  await Promise.all(consumers.map((consumer) => consumer.ready()));
  await resumeJobs(context);
  const stopResuming = keepResuming(context);
  logger.info({ lanes: config.UMBRA_LANES, store: store.kind }, 'worker ready');

  return {
    async close() {
      stopResuming();
      const deadline = setTimeout(() => shutdown.abort(), config.UMBRA_SHUTDOWN_MS);
      await Promise.all(consumers.map((consumer) => consumer.close()));
      clearTimeout(deadline);
      // They share one connection, which ends with the last line whatever they do.
      await Promise.race([
        Promise.allSettled([flows, ...queues].map((producer) => producer.close())),
        sleep(producersMs, undefined, { ref: false }),
      ]);
      await engine.close();
      redis.disconnect();
    },
  };
}
