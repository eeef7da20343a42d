import type { JobEventLog } from '@umbra/platform/redis/job-event-log';
import type { JobProgressStore } from '@umbra/platform/redis/job-progress';
import type { ThroughputStore } from '@umbra/platform/redis/throughput';
import type { TraceContextStore } from '@umbra/platform/redis/trace-contexts';
import type { UsageLedger } from '@umbra/platform/redis/usage-ledger';
import type { WorkerRegistry } from '@umbra/platform/redis/worker-registry';
import type { SourceStores } from '@umbra/platform/store/source-stores';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Logger } from '@umbra/platform/telemetry/logger';
import type { Tracing } from '@umbra/platform/telemetry/tracing';
import type { TenantReader } from '@umbra/platform/tenancy/tenant-reader';
import type { Cache } from '@umbra/shared/cache';
import type { Semaphore } from '@umbra/shared/concurrency';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Registry } from 'prom-client';
import type { ApiConfig } from './config.js';
import type { EventHub } from './jobs/event-hub.js';
import type { FormatReader } from './models/model-formats.js';
import type { Board } from './observability/bull-board.js';

/** What the routes are given. */
export type Context = {
  readonly config: Readonly<ApiConfig>;
  readonly store: ObjectStore;
  /** Buckets that datasets may be made of. */
  readonly sources: SourceStores;
  readonly redis: Redis;
  readonly progress: JobProgressStore;
  readonly events: JobEventLog;
  readonly hub: EventHub;
  readonly workerRegistry: WorkerRegistry;
  readonly throughput: ThroughputStore;
  readonly readTenant: TenantReader;
  readonly usage: UsageLedger;
  readonly formatOf: FormatReader;
  readonly dispatchQueue: Queue;
  readonly mergeQueue: Queue;
  readonly ingestQueue: Queue;
  readonly webhookQueue: Queue;
  readonly registry: Registry;
  /** The page of the queues, where it is asked for. */
  readonly board: Board | null;
  readonly tracing: Tracing;
  readonly traces: TraceContextStore;
  /** Records of jobs that are polled, by tenant and id. */
  readonly polledJobs: Cache<JobRecord>;
  /** Uploads are taken in a few at once: each needs memory and disk. */
  readonly uploadSemaphore: Semaphore;
  readonly logger: Logger;
};
