import { setMaxListeners } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { isolateDecoding, openEngine } from '@umbra/engine';
import { engineOptionsOf, modelsDiskOf, quotasOf } from '@umbra/platform/config';
import { nameThisProcess } from '@umbra/platform/process-name';
import {
  queueNames,
  queueOptions,
  redisPrefix,
  type ShardQueue,
  servedShardQueues,
  type stepNames,
} from '@umbra/platform/queues/names';
import { createHeldImages } from '@umbra/platform/redis/held-images';
import { createLease } from '@umbra/platform/redis/lease';
import { startPlatform } from '@umbra/platform/services';
import { createModelDisk } from '@umbra/platform/store/model-disk';
import { countDecoderDeaths } from '@umbra/platform/telemetry/count-decoder-deaths';
import { serveMetrics } from '@umbra/platform/telemetry/serve-metrics';
import { telemetryOf } from '@umbra/platform/telemetry/tracing';
import { AppError } from '@umbra/shared/errors';
import { FlowProducer, Queue } from 'bullmq';
import { createApart } from './apart/apart.js';
import { suspectLost } from './apart/suspect-lost.js';
import { failUnarchived, runArchive } from './archive/archive.js';
import type { WorkerConfig } from './config.js';
import { runDispatch } from './dispatch/dispatch.js';
import { keepDispatching } from './dispatch/keep-dispatching.js';
import { keepResumingIngests, resumeIngests } from './ingest/resume-ingests.js';
import { failUningested, runIngest } from './ingest/run-ingest.js';
import { failUnmerged, runMerge } from './merge/merge.js';
import { createWorkerMetrics } from './observability/worker-metrics.js';
import { failUnreported, runReport } from './report/report.js';
import { failUntried, runTrial } from './report/trial.js';
import { consume } from './runtime/consume.js';
import { endLateProcess } from './runtime/late-inference.js';
import { createModelCache } from './runtime/model-cache.js';
import { registerWorker } from './runtime/register-worker.js';
import { createRunningSteps } from './runtime/running-work.js';
import type { QueueStep } from './runtime/step.js';
import type { WorkerServices } from './services.js';
import { publishShard, runShard } from './shards/shard.js';
import { runWebhook } from './webhooks/deliver.js';

export type RunningWorker = {
  /** URL of its metrics; undefined where they are off. */
  readonly metricsUrl: string | undefined;
  /**
   * Take no more work, let running shards end until the deadline, then give them back.
   *
   * @throws {AppError} `deadline_exceeded` if inference does not end: only a signal ends the process then.
   */
  close(): Promise<void>;
};

/** Time that inference may take to end once its shards were given back; what hangs in it never does. */
const engineCloseTimeoutMs = 5_000;
/** Timeout for Queue.close(): ioredis retries forever while Redis is unreachable. */
const queueCloseTimeoutMs = 1_000;

/** What lost its worker runs apart, where it is convicted: what else loses its workers is not its own. */
const maxSuspectLosses = 1_000;

/** Both run a model in this process: each loss costs all that runs beside it. */
const maxReportLosses = 5;

type StepName = (typeof stepNames)[number];

/** The consumers of each step that this process may run. */
const openSteps = (
  services: WorkerServices,
  served: readonly ShardQueue[],
): Readonly<Record<StepName, readonly QueueStep[]>> => ({
  ingest: [
    {
      name: queueNames.ingest,
      concurrency: 2,
      run: (job, token) => runIngest(services, job, token),
      giveUp: (job) => failUningested(services, job),
    },
  ],
  dispatch: [
    {
      name: queueNames.dispatch,
      concurrency: 1,
      run: (job, token) => runDispatch(services, job, token),
    },
  ],
  shard: served.map((queue) => ({
    name: queueNames[queue],
    concurrency: services.config.UMBRA_INFERENCE_THREADS,
    maxLosses: maxSuspectLosses,
    run: (job, token) => runShard(services, job, token),
    onStored: (job, value) => publishShard(services, job, value),
  })),
  merge: [
    {
      name: queueNames.merge,
      concurrency: 2,
      maxLosses: maxSuspectLosses,
      run: (job, token) => runMerge(services, job, token),
      giveUp: (job, error) => failUnmerged(services, job, error),
    },
  ],
  archive: [
    {
      name: queueNames.archive,
      concurrency: 1,
      run: (job) => runArchive(services, job),
      giveUp: (job, error) => failUnarchived(services, job, error),
    },
  ],
  webhook: [
    {
      name: queueNames.webhook,
      concurrency: 16,
      run: (job) => runWebhook(services, job),
    },
  ],
  report: [
    {
      name: queueNames.report,
      concurrency: 1,
      maxLosses: maxReportLosses,
      run: (job, token) => runReport(services, job, token),
      giveUp: (job) => failUnreported(services, job),
    },
    {
      name: queueNames.trial,
      concurrency: 1,
      maxLosses: maxReportLosses,
      run: (job, token) => runTrial(services, job, token),
      giveUp: (job) => failUntried(services, job),
    },
  ],
});

/** Start every consumer of this process. @throws {AppError} `unavailable` if the store is. */
export async function startWorker(config: Readonly<WorkerConfig>): Promise<RunningWorker> {
  const platform = await startPlatform({
    config,
    name: 'umbra-worker',
    redisOptions: { maxRetriesPerRequest: null },
    tenantDefaults: { quotas: quotasOf(config), requestsPerMinute: null },
    makesStore: false,
  });
  const { logger, tracing, registry, store, redis, throughput, losses } = platform.services;
  const engine = openEngine({
    inferenceThreads: config.UMBRA_INFERENCE_THREADS,
    ...engineOptionsOf(config),
    deadline: {
      minMs: config.UMBRA_BATCH_DEADLINE_S * 1000,
      onLate: (late) => void endLateProcess({ logger, losses }, late),
    },
  });
  const stopDecoding = isolateDecoding({
    processes: config.UMBRA_DECODING_PROCESSES,
    onDeath: countDecoderDeaths(registry),
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
  const shared = { connection: redis, ...queueOptions, ...telemetryOf(tracing) };
  const queue = (name: string) => new Queue(name, shared);
  const webhookQueue = queue(queueNames.webhook);
  const services: WorkerServices = {
    ...platform.services,
    config,
    rowsLease: createLease(redis, 'rows'),
    engine,
    modelCache: createModelCache({
      store,
      engine,
      disk: createModelDisk(store, modelsDiskOf(config)),
      metrics,
      limits: {
        maxPixels: config.UMBRA_MAX_IMAGE_PIXELS,
        maxInputPixels: config.UMBRA_MAX_INPUT_PIXELS,
      },
    }),
    heldImages: createHeldImages(redis, await nameThisProcess()),
    apart: createApart({ config, losses, lease: createLease(redis, 'apart'), logger, metrics }),
    // Each image carries its own job's trace, which no producer can know of.
    flows: new FlowProducer({ connection: redis, prefix: redisPrefix }),
    ingestQueue: queue(queueNames.ingest),
    dispatchQueue: queue(queueNames.dispatch),
    shardQueues: { shard: queue(queueNames.shard), shardTfjs: queue(queueNames.shardTfjs) },
    mergeQueue: queue(queueNames.merge),
    archiveQueue: queue(queueNames.archive),
    webhookQueue,
    reportQueue: queue(queueNames.report),
    trialQueue: queue(queueNames.trial),
    metrics,
    runningSteps: createRunningSteps(),
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
    services.reportQueue,
    services.trialQueue,
  ];
  // Their connection is shared and logs its errors; without a listener each of them would print them.
  flows.on('error', () => undefined);
  for (const each of queues) each.on('error', () => undefined);

  const served = config.UMBRA_STEPS.includes('shard')
    ? servedShardQueues(config.UMBRA_PROVIDER)
    : [];
  // Before it takes any work: what the worker before it ran may have ended it.
  await suspectLost(services);
  const steps = openSteps(services, served);
  const consumers = config.UMBRA_STEPS.flatMap((name) =>
    steps[name].map((step) => consume(services, redis, step)),
  );
  await Promise.all(consumers.map((consumer) => consumer.ready()));
  const unregister = registerWorker(services, served);
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
      unregister();
      const deadline = setTimeout(() => shutdown.abort(), config.UMBRA_SHUTDOWN_MS);
      await Promise.all(consumers.map((consumer) => consumer.close()));
      clearTimeout(deadline);
      // They share one connection, which is disconnected below whether they have closed or not.
      await Promise.race([
        Promise.allSettled([flows, ...queues].map((producer) => producer.close())),
        sleep(queueCloseTimeoutMs, undefined, { ref: false }),
      ]);
      await services.apart.close();
      const isClosed = await Promise.race([
        engine.close().then(() => true),
        sleep(engineCloseTimeoutMs, false, { ref: false }),
      ]);
      stopDecoding();
      await server?.close();
      await platform.close();
      if (isClosed) return;
      throw new AppError('deadline_exceeded', 'Expected inference to end, got some that runs on');
    },
  };
}
