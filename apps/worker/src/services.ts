import type { Engine } from '@umbra/engine';
import type { ShardQueue } from '@umbra/platform/queues/queues';
import type { JobEventLog } from '@umbra/platform/redis/job-event-log';
import type { JobProgressStore } from '@umbra/platform/redis/job-progress';
import type { ScoreLease } from '@umbra/platform/redis/score-lease';
import type { ThroughputStore } from '@umbra/platform/redis/throughput';
import type { TraceContextStore } from '@umbra/platform/redis/trace-contexts';
import type { UsageLedger } from '@umbra/platform/redis/usage-ledger';
import type { WorkerRegistry } from '@umbra/platform/redis/worker-registry';
import type { SourceStores } from '@umbra/platform/store/source-stores';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Logger } from '@umbra/platform/telemetry/logger';
import type { Tracing } from '@umbra/platform/telemetry/tracing';
import type { TenantReader } from '@umbra/platform/tenancy/tenant-reader';
import type { FlowProducer, Queue } from 'bullmq';
import type { WorkerConfig } from './config.js';
import type { PublishJobState } from './jobs/announce.js';
import type { WorkerMetrics } from './observability/metrics.js';
import type { ModelCache } from './runtime/model-cache.js';

/** Everything a worker process opens once. */
export type WorkerServices = {
  readonly config: Readonly<WorkerConfig>;
  readonly store: ObjectStore;
  /** Buckets that datasets may be made of. */
  readonly sources: SourceStores;
  readonly progress: JobProgressStore;
  readonly workerRegistry: WorkerRegistry;
  readonly readTenant: TenantReader;
  readonly usage: UsageLedger;
  /** How long positions take, by model. */
  readonly throughput: ThroughputStore;
  readonly events: JobEventLog;
  readonly publishJobState: PublishJobState;
  readonly scoreLease: ScoreLease;
  readonly engine: Engine;
  readonly modelCache: ModelCache;
  readonly flows: FlowProducer;
  readonly ingestQueue: Queue;
  readonly dispatchQueue: Queue;
  readonly shardQueues: Readonly<Record<ShardQueue, Queue>>;
  readonly mergeQueue: Queue;
  readonly archiveQueue: Queue;
  readonly webhookQueue: Queue;
  readonly metrics: WorkerMetrics;
  readonly tracing: Tracing;
  readonly traces: TraceContextStore;
  readonly logger: Logger;
  /** Aborted when this process takes no more work. */
  readonly closing: AbortSignal;
  /** Aborted when shards must be given back because this process is about to end. */
  readonly shutdown: AbortSignal;
};
