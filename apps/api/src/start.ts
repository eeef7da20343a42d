import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { isolateDecoding, readVerifiedBundle } from '@umbra/engine';
import { addedModelsFolder, modelsDiskOf } from '@umbra/platform/config';
import { queueNames, queueOptions } from '@umbra/platform/queues/names';
import type { Progress } from '@umbra/platform/redis/job-progress';
import { createLoginSessionStore } from '@umbra/platform/redis/login-sessions';
import { cacheWorkerList } from '@umbra/platform/redis/worker-registry';
import { startPlatform } from '@umbra/platform/services';
import { publishModel } from '@umbra/platform/store/models';
import { countDecoderDeaths } from '@umbra/platform/telemetry/count-decoder-deaths';
import { serveMetrics } from '@umbra/platform/telemetry/serve-metrics';
import { telemetryOf } from '@umbra/platform/telemetry/tracing';
import { createKeyReader } from '@umbra/platform/tenancy/key-reader';
import { createCache } from '@umbra/shared/cache';
import { Queue } from 'bullmq';
import { createApp } from './app.js';
import { createIdentifier } from './auth/identify.js';
import { tenantDefaultsOf } from './auth/tenant-defaults.js';
import type { ApiConfig } from './config.js';
import { createApiTurns } from './http/turns.js';
import { createEventHub } from './jobs/event-hub.js';
import { createPolledJobs } from './jobs/polled-jobs.js';
import {
  checkPublished,
  type PublishedModel,
  type PublishServices,
} from './models/check-published.js';
import { createModelFolders } from './models/model-folders.js';
import { createFormatReader } from './models/model-formats.js';
import { createBacklogReader } from './observability/backlog.js';
import { openBoard } from './observability/bull-board.js';
import { createQueueMetrics } from './observability/queue-metrics.js';
import { createJobIndexes } from './rows/job-indexes.js';

export type RunningApi = {
  readonly url: string;
  /** URL of its metrics; undefined where they are switched off. */
  readonly metricsUrl: string | undefined;
  close(): Promise<void>;
};

/** Size of a request's first line and headers: filters of rows, percent-encoded, are longer than Node.js takes. */
const maxHeaderSize = 64 * 1024;
/** Timeout for a request; the five minutes of Node.js would cut off an upload of some gibibytes. */
const maxRequestMs = 3_600_000;

/** Start the HTTP service. Redis need not be up yet: `/readyz` reports it. */
export async function startApi(config: Readonly<ApiConfig>): Promise<RunningApi> {
  // A request must never wait while Redis is down: commands fail at once.
  const failFastRedisOptions = {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: 1_500,
    connectTimeout: 1_500,
    retryStrategy: (attempt: number) => Math.min(attempt * 100, 1_000),
  };
  const platform = await startPlatform({
    config,
    name: 'umbra-api',
    redisOptions: failFastRedisOptions,
    tenantDefaults: tenantDefaultsOf(config),
    makesStore: true,
  });
  const { logger, tracing, registry, store, redis, progress, throughput } = platform.services;
  const stopDecoding = isolateDecoding({
    processes: config.UMBRA_DECODING_PROCESSES,
    onDeath: countDecoderDeaths(registry),
  });
  const openQueue = (name: string): Queue => {
    const queue = new Queue(name, {
      // A connection of its own: BullMQ checks a shared one before it is ready, and fails for good.
      connection: { url: config.REDIS_URL, ...failFastRedisOptions },
      ...queueOptions,
      ...telemetryOf(tracing),
    });
    queue.on('error', (error) => logger.warn({ reason: error.message }, 'queue error'));
    return queue;
  };
  const dispatchQueue = openQueue(queueNames.dispatch);
  const mergeQueue = openQueue(queueNames.merge);
  const shardQueues = {
    shard: openQueue(queueNames.shard),
    shardTfjs: openQueue(queueNames.shardTfjs),
  };
  const ingestQueue = openQueue(queueNames.ingest);
  const webhookQueue = openQueue(queueNames.webhook);
  const reportQueue = openQueue(queueNames.report);
  const trialQueue = openQueue(queueNames.trial);
  const models = config.UMBRA_MODELS_DIR ?? addedModelsFolder;
  const published =
    config.UMBRA_MODELS_DIR !== undefined || existsSync(models)
      ? await publishModels({ store, logger }, models)
      : [];
  const subscriber = redis.duplicate();
  subscriber.on('error', () => undefined);
  const polledJobs = createPolledJobs(store, progress);
  const hub = createEventHub(subscriber, polledJobs.forget);
  const sessions = createLoginSessionStore(redis, config.UMBRA_MAX_LOGINS);
  const identify = createIdentifier({
    readKey: createKeyReader(store),
    sessions,
    badKeysPerMinute: config.UMBRA_BAD_KEYS_PER_MINUTE,
    logger,
  });
  const board = config.UMBRA_BULL_BOARD === '1' ? await openBoard({ openQueue, identify }) : null;
  const turns = createApiTurns(config, registry);
  const rowIndexes = createJobIndexes(
    { store, progress, config, turns, logger },
    join(config.UMBRA_CACHE_DIR, 'rows'),
  );
  const app = createApp({
    ...platform.services,
    config,
    workerRegistry: cacheWorkerList(platform.services.workerRegistry, workerListMs),
    hub,
    sessions,
    identify,
    dispatchQueue,
    ingestQueue,
    mergeQueue,
    shardQueues,
    webhookQueue,
    reportQueue,
    trialQueue,
    board,
    polledJobs,
    toldProgress: createCache<Progress>({ maxEntries: 10_000 }),
    turns,
    rowIndexes,
    formatOf: createFormatReader(store),
    modelFolders: createModelFolders(store, modelsDiskOf(config)),
  });
  const readBacklog = createBacklogReader(store, progress, throughput);
  const queueMetrics = createQueueMetrics({ registry, redis, readBacklog, logger });
  const { refresh } = queueMetrics;
  const metricsServer = await serveMetrics({ config, registry, logger, refresh });
  const server = createServer({ maxHeaderSize }, app);
  server.requestTimeout = maxRequestMs;
  server.listen(config.UMBRA_PORT, config.UMBRA_HOST);
  await once(server, 'listening');
  const { address, port, family } = server.address() as AddressInfo;
  const url = `http://${family === 'IPv6' ? `[${address}]` : address}:${port}`;
  logger.info({ url, store: store.kind, auth: config.UMBRA_AUTH }, 'api ready');
  // Whatever a model does, the API has begun to serve.
  const closing = new AbortController();
  const checking = checkPublished({ store, config, logger }, published, closing.signal);
  return {
    url,
    metricsUrl: metricsServer?.url,
    async close() {
      const closed = once(server, 'close');
      closing.abort();
      hub.close();
      server.close();
      server.closeIdleConnections();
      const deadline = setTimeout(() => server.closeAllConnections(), config.UMBRA_SHUTDOWN_MS);
      await closed;
      clearTimeout(deadline);
      await rowIndexes.close();
      await checking;
      await metricsServer?.close();
      await queueMetrics.close();
      const queues = [
        ...[dispatchQueue, ingestQueue, mergeQueue],
        ...[webhookQueue, reportQueue, trialQueue],
      ];
      await Promise.all([...queues, ...Object.values(shardQueues)].map(closeQueue));
      await board?.close();
      stopDecoding();
      await platform.close();
    },
  };
}

/** Maximum age of the list of workers. */
const workerListMs = 1_000;

/** Timeout for Queue.close(); ioredis retries forever while Redis is down. */
const queueCloseTimeoutMs = 1_000;

async function closeQueue(queue: Queue): Promise<void> {
  const timeout = () => sleep(queueCloseTimeoutMs, undefined, { ref: false });
  await Promise.race([queue.close().catch(() => undefined), timeout()]);
  await Promise.race([queue.disconnect().catch(() => undefined), timeout()]);
}

async function publishModels(
  { store, logger }: Pick<PublishServices, 'store' | 'logger'>,
  folder: string,
): Promise<PublishedModel[]> {
  const published: PublishedModel[] = [];
  for (const entry of await readdir(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name);
    if (!entry.isDirectory() || !existsSync(join(path, 'bundle.json'))) continue;
    const described = await readVerifiedBundle(path);
    const { name, digest } = await publishModel(store, path, described);
    logger.info({ name, digest }, 'model published');
    published.push({ ...described, folder: path });
  }
  return published;
}
