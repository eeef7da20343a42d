import type { ShardQueue } from '@umbra/platform/queues/names';
import type { JobEventLog } from '@umbra/platform/redis/job-event-log';
import type { JobProgressStore, Progress } from '@umbra/platform/redis/job-progress';
import type { LoginSessionStore } from '@umbra/platform/redis/login-sessions';
import type { LossLedger } from '@umbra/platform/redis/losses';
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
import type { Queue } from 'bullmq';
import type { Redis } from 'ioredis';
import type { Registry } from 'prom-client';
import type { Identifier } from './auth/identify.js';
import type { ApiConfig } from './config.js';
import type { ApiTurns } from './http/turns.js';
import type { EventHub } from './jobs/event-hub.js';
import type { PolledJobs } from './jobs/polled-jobs.js';
import type { ModelFolders } from './models/model-folders.js';
import type { FormatReader } from './models/model-formats.js';
import type { Board } from './observability/bull-board.js';
import type { JobIndexes } from './rows/job-indexes.js';

/**
 * Everything that the routes use, made once at the start.
 *
 * A function names the services that it uses, as `Pick<ApiServices, 'store' | 'usage'>`.
 */
export type ApiServices = {
  readonly config: Readonly<ApiConfig>;
  readonly store: ObjectStore;
  /** Stores of the buckets that a dataset's images may be read from. */
  readonly sources: SourceStores;
  readonly redis: Redis;
  readonly progress: JobProgressStore;
  readonly events: JobEventLog;
  readonly hub: EventHub;
  readonly workerRegistry: WorkerRegistry;
  readonly throughput: ThroughputStore;
  readonly readTenant: TenantReader;
  readonly sessions: LoginSessionStore;
  readonly identify: Identifier;
  readonly usage: UsageLedger;
  readonly losses: LossLedger;
  readonly formatOf: FormatReader;
  readonly modelFolders: ModelFolders;
  readonly dispatchQueue: Queue;
  readonly mergeQueue: Queue;
  readonly shardQueues: Readonly<Record<ShardQueue, Queue>>;
  readonly ingestQueue: Queue;
  readonly webhookQueue: Queue;
  readonly reportQueue: Queue;
  readonly trialQueue: Queue;
  readonly registry: Registry;
  /** Dashboard of the queues; null where it is switched off. */
  readonly board: Board | null;
  readonly tracing: Tracing;
  readonly traces: TraceContextStore;
  readonly polledJobs: PolledJobs;
  /** Progress of unfinished jobs as this process last told it. */
  readonly toldProgress: Cache<Progress>;
  readonly turns: ApiTurns;
  /** Indexes of the rows of jobs. */
  readonly rowIndexes: JobIndexes;
  readonly logger: Logger;
};
