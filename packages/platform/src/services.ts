import { reportError } from '@umbra/shared/errors';
import { Redis, type RedisOptions } from 'ioredis';
import { Registry } from 'prom-client';
import type { CommonConfig } from './config.js';
import { createJobEventLog, type JobEventLog } from './redis/job-event-log.js';
import { createJobProgressStore, type JobProgressStore } from './redis/job-progress.js';
import { createKnownStore } from './redis/known-store.js';
import { createLossLedger, type LossLedger } from './redis/losses.js';
import { createThroughputStore, type ThroughputStore } from './redis/throughput.js';
import { createTraceContextStore, type TraceContextStore } from './redis/trace-contexts.js';
import { createUsageLedger, type UsageLedger } from './redis/usage-ledger.js';
import { createWorkerRegistry, type WorkerRegistry } from './redis/worker-registry.js';
import { refuseNewStore, untilThere } from './store/await-store.js';
import { openStore } from './store/open-store.js';
import { createSourceStores, type SourceStores } from './store/source-stores.js';
import type { ObjectStore } from './store/store.js';
import { createLogger, type Logger } from './telemetry/logger.js';
import { measureStore } from './telemetry/measure-store.js';
import type { MetricsConfig } from './telemetry/metrics-config.js';
import { startTracing } from './telemetry/start-tracing.js';
import { createTenantUsage, type TenantUsage } from './telemetry/tenant-usage.js';
import type { Tracing } from './telemetry/tracing.js';
import type { TracingConfig } from './telemetry/tracing-config.js';
import { removeDeadFolders } from './temporary-folders.js';
import type { TenantDefaults } from './tenancy/tenant.js';
import { createTenantReader, type TenantReader } from './tenancy/tenant-reader.js';

/** Services that the API and the worker both start. */
export type PlatformServices = {
  readonly logger: Logger;
  readonly tracing: Tracing;
  /** Prometheus registry that every metric of the process is part of. */
  readonly registry: Registry;
  readonly tenantUsage: TenantUsage;
  readonly redis: Redis;
  readonly store: ObjectStore;
  /** Buckets that datasets may be made of. */
  readonly sources: SourceStores;
  readonly progress: JobProgressStore;
  readonly events: JobEventLog;
  readonly workerRegistry: WorkerRegistry;
  /** Measured seconds per position, by model. */
  readonly throughput: ThroughputStore;
  readonly traces: TraceContextStore;
  readonly usage: UsageLedger;
  /** Processes that ended at an image, and models that are set aside. */
  readonly losses: LossLedger;
  readonly readTenant: TenantReader;
};

export type PlatformOptions = {
  readonly config: Readonly<CommonConfig & MetricsConfig & TracingConfig>;
  /** Name of the process in its logs and traces. */
  readonly name: string;
  readonly redisOptions: Omit<RedisOptions, 'replyMapping'>;
  /** Limits of a tenant for which nothing else was set. */
  readonly tenantDefaults: TenantDefaults;
  /**
   * Whether it makes the folder of a new `fs` store, and starts while the store is unavailable. Others
   * wait for a store and then fail. Redis may be away in any case.
   */
  readonly makesStore: boolean;
};

export type Platform = {
  readonly services: PlatformServices;
  /** Close the connection to Redis and send the remaining spans; whatever uses them must be closed first. */
  close(): Promise<void>;
};

/**
 * Start the services that the API and the worker have in common. Redis need not be reachable yet.
 *
 * @throws {AppError} `unavailable` if the store is, unless the process makes it.
 */
export async function startPlatform(options: PlatformOptions): Promise<Platform> {
  const { config, name } = options;
  const logger = createLogger(name, config.UMBRA_LOG_LEVEL);
  const tracing = await startTracing(config, name);
  const registry = new Registry();
  const tenantUsage = createTenantUsage(registry, config.UMBRA_METRICS_TENANTS);
  const redis = new Redis(config.REDIS_URL, options.redisOptions);
  redis.on('error', (error) => logger.warn({ reason: error.message }, 'redis is not reachable'));
  const known = createKnownStore(redis, logger);
  const opened = openStore(config, {
    permitNew: options.makesStore ? known.permitNew : refuseNewStore,
    admit: known.admit,
  });
  const store = tenantUsage.measureStored(measureStore(opened, registry));
  // This also makes the store's folder: once seen, it is never made again.
  await (options.makesStore ? store.check() : untilThere(store, logger)).catch((error: unknown) => {
    if (!options.makesStore) {
      // It would keep alive a process that fails here.
      redis.disconnect();
      throw error;
    }
    logger.warn({ error: reportError(error) }, 'store is not reachable');
  });
  removeDeadFolders().then(
    (removed) => {
      if (removed.length > 0) logger.info({ removed }, 'temporary folders deleted');
    },
    (error: unknown) => logger.warn({ reason: String(error) }, 'temporary folders not deleted'),
  );
  const services: PlatformServices = {
    logger,
    tracing,
    registry,
    tenantUsage,
    redis,
    store,
    sources: createSourceStores(config),
    progress: createJobProgressStore(redis),
    events: createJobEventLog(redis),
    workerRegistry: createWorkerRegistry(redis),
    throughput: createThroughputStore(redis),
    traces: createTraceContextStore(redis, tracing, config.UMBRA_TRACE_IMAGES),
    usage: createUsageLedger(redis, store),
    losses: createLossLedger(redis),
    readTenant: createTenantReader(store, options.tenantDefaults),
  };
  return {
    services,
    async close() {
      redis.disconnect();
      await tracing.close();
    },
  };
}
