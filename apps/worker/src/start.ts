import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { openEngine } from '@umbra/engine';
import { engineOptionsOf, quotasOf } from '@umbra/platform/config';
import {
  queueNames,
  redisPrefix,
  servedShardQueues,
  type stepNames,
} from '@umbra/platform/queues/queues';
import { createScoreLease } from '@umbra/platform/redis/score-lease';
import { startPlatform } from '@umbra/platform/services';
import { serveMetrics } from '@umbra/platform/telemetry/serve-metrics';
import { telemetryOf } from '@umbra/platform/telemetry/tracing';
import { FlowProducer, Queue } from 'bullmq';
import { failUnarchived, runArchive } from './archive/archive.js';
import type { WorkerConfig } from './config.js';
import { runDispatch } from './dispatch/dispatch.js';
import { keepDispatching } from './dispatch/keep-dispatching.js';
import { keepResumingIngests, resumeIngests } from './ingest/resume-ingests.js';
import { failUningested, runIngest } from './ingest/run-ingest.js';
import { createJobStatePublisher } from './jobs/announce.js';
import { failUnmerged, runMerge } from './merge/merge.js';
import { createWorkerMetrics } from './observability/metrics.js';
import { consume, type Step } from './runtime/consume.js';
import { createModelCache } from './runtime/model-cache.js';
import { joinFleet } from './runtime/register-worker.js';
import type { WorkerServices } from './services.js';
import { runShard } from './shards/shard.js';
import { runWebhook } from './webhooks/deliver.js';

export type RunningWorker = {
  /** Where its metrics are, if anywhere. */
  readonly metricsUrl: string | undefined;
  /** Take no more work, let running shards end until the deadline, then give them back. */
  close(): Promise<void>;
};

/** Producers hold no work: they are given this long to say goodbye to Redis. */
const producersMs = 1_000;

const steps = {
  dispatch: { name: queueNames.dispatch, concurrency: 1, run: runDispatch },
  ingest: { name: queueNames.ingest, concurrency: 2, run: runIngest, giveUp: failUningested },
  shard: { name: queueNames.shard, run: runShard },
  merge: { name: queueNames.merge, concurrency: 2, run: runMerge, giveUp: failUnmerged },
  archive: { name: queueNames.archive, concurrency: 1, run: runArchive, giveUp: failUnarchived },
  webhook: { name: queueNames.webhook, concurrency: 16, run: runWebhook },
};

/** Start every consumer of this process. @throws {AppError} `unavailable` if the store is. */
export async function startWorker(config: Readonly<WorkerConfig>): Promise<RunningWorker> {
  const platform = await startPlatform({
    config,
    name: 'umbra-worker',
    redisOptions: { maxRetriesPerRequest: null },
    tenantDefaults: { quotas: quotasOf(config), requestsPerMinute: null },
    requireStore: true,
  });
  const { logger, tracing, registry, store, redis, events, throughput, workerRegistry } =
    platform.services;
  const engine = openEngine({
    inferenceThreads: config.UMBRA_INFERENCE_THREADS,
    ...engineOptionsOf(config),
  });
  const metrics = createWorkerMetrics({
    registry,
    redis,
    throughput,
    usage: platform.services.tenantUsage,
    inferenceThreads: config.UMBRA_STEPS.includes('shard') ? config.UMBRA_INFERENCE_THREADS : 0,
  });
  const shutdown = new AbortController();
  // Every shard and every consumer listens: many are no leak.
  setMaxListeners(0, shutdown.signal);
  const closing = new AbortController();
  const shared = { connection: redis, prefix: redisPrefix, ...telemetryOf(tracing) };
  const queue = (name: string) => new Queue(name, shared);
  const webhookQueue = queue(queueNames.webhook);
  const services: WorkerServices = {
    ...platform.services,
    config,
    scoreLease: createScoreLease(redis),
    publishJobState: metrics.countEnds(
      createJobStatePublisher({ events, store, webhookQueue, config }),
    ),
    engine,
    modelCache: metrics.measureModelCache(createModelCache(store, engine, config.UMBRA_CACHE_DIR)),
    // Each image carries its own job's trace, which no producer can know of.
    flows: new FlowProducer({ connection: redis, prefix: redisPrefix }),
    ingestQueue: queue(queueNames.ingest),
    dispatchQueue: queue(queueNames.dispatch),
    shardQueues: { shard: queue(queueNames.shard), shardTfjs: queue(queueNames.shardTfjs) },
    mergeQueue: queue(queueNames.merge),
    archiveQueue: queue(queueNames.archive),
    webhookQueue,
    metrics,
    closing: closing.signal,
    shutdown: shutdown.signal,
  };
  const { flows, ingestQueue, dispatchQueue, shardQueues, mergeQueue, archiveQueue } = services;
  const queues = [
    ingestQueue,
    dispatchQueue,
    ...Object.values(shardQueues),
    mergeQueue,
    archiveQueue,
    webhookQueue,
  ];
  // Their connection is shared, and logs for itself: unheard, each of them would print it too.
  flows.on('error', () => undefined);
  for (const unheard of queues) unheard.on('error', () => undefined);

  const served = config.UMBRA_STEPS.includes('shard')
    ? servedShardQueues(config.UMBRA_PROVIDER)
    : [];
  const shardStep = metrics.measureShards({
    ...steps.shard,
    concurrency: config.UMBRA_INFERENCE_THREADS,
  });
  const chosen: Record<(typeof stepNames)[number], readonly Step[]> = {
    ingest: [steps.ingest],
    dispatch: [steps.dispatch],
    shard: served.map((name) => ({ ...shardStep, name: queueNames[name] })),
    merge: [metrics.countImages(steps.merge)],
    archive: [steps.archive],
    webhook: [steps.webhook],
  };
  const consumers = config.UMBRA_STEPS.flatMap((step) =>
    chosen[step].map((one) => consume(services, redis, one)),
  );
  await Promise.all(consumers.map((consumer) => consumer.ready()));
  const stopAnnouncing = joinFleet(services, workerRegistry, served);
  const dispatches = config.UMBRA_STEPS.includes('dispatch');
  const stopDispatching = dispatches ? keepDispatching(services) : () => {};
  const ingests = config.UMBRA_STEPS.includes('ingest');
  if (ingests) await resumeIngests(services);
  const stopIngests = ingests ? keepResumingIngests(services) : () => {};
  const { refresh } = metrics;
  const server = await serveMetrics({ config, registry, logger, refresh });
  logger.info(
    { inferenceThreads: config.UMBRA_INFERENCE_THREADS, store: store.kind },
    'worker ready',
  );

  return {
    metricsUrl: server?.url,
    async close() {
      stopDispatching();
      closing.abort();
      stopIngests();
      stopAnnouncing();
      const deadline = setTimeout(() => shutdown.abort(), config.UMBRA_SHUTDOWN_MS);
      await Promise.all(consumers.map((consumer) => consumer.close()));
      clearTimeout(deadline);
      // They share one connection, which ends with the last line whatever they do.
      await Promise.race([
        Promise.allSettled([flows, ...queues].map((producer) => producer.close())),
        sleep(producersMs, undefined, { ref: false }),
      ]);
      await engine.close();
      await server?.close();
      await platform.close();
    },
  };
}
