import type { Engine } from '@umbra/engine';
import type { ShardQueue } from '@umbra/platform/queues/queues';
import type { EventBook } from '@umbra/platform/redis/job-event-log';
import type { ProgressBook } from '@umbra/platform/redis/job-progress';
import type { ClaimBook } from '@umbra/platform/redis/score-lease';
import type { PaceBook } from '@umbra/platform/redis/throughput';
import type { TraceBook } from '@umbra/platform/redis/trace-contexts';
import type { UsageBook } from '@umbra/platform/redis/usage-ledger';
import type { FleetBook } from '@umbra/platform/redis/worker-registry';
import type { SourceStores } from '@umbra/platform/store/source-stores';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { Logger } from '@umbra/platform/telemetry/logger';
import type { Tracing } from '@umbra/platform/telemetry/tracing';
import type { TenantReader } from '@umbra/platform/tenancy/tenant-reader';
import type { FlowProducer, Queue } from 'bullmq';
import type { WorkerConfig } from './config.js';
import type { Announce } from './jobs/announce.js';
import type { WorkerMetrics } from './observability/metrics.js';
import type { ModelShelf } from './runtime/model-cache.js';

/** What the steps of a job are given. */
export type Context = {
  readonly config: Readonly<WorkerConfig>;
  readonly store: ObjectStore;
  /** Buckets that datasets may be made of. */
  readonly sources: SourceStores;
  readonly progress: ProgressBook;
  readonly fleet: FleetBook;
  readonly readTenant: TenantReader;
  readonly usage: UsageBook;
  /** How long positions take, by model. */
  readonly pace: PaceBook;
  readonly events: EventBook;
  readonly announce: Announce;
  readonly claims: ClaimBook;
  readonly engine: Engine;
  readonly shelf: ModelShelf;
  readonly flows: FlowProducer;
  readonly ingestQueue: Queue;
  readonly dispatchQueue: Queue;
  readonly shardQueues: Readonly<Record<ShardQueue, Queue>>;
  readonly mergeQueue: Queue;
  readonly archiveQueue: Queue;
  readonly webhookQueue: Queue;
  readonly metrics: WorkerMetrics;
  readonly tracing: Tracing;
  readonly traces: TraceBook;
  readonly logger: Logger;
  /** Aborted when this process takes no more work. */
  readonly closing: AbortSignal;
  /** Aborted when shards must be given back because this process is about to end. */
  readonly shutdown: AbortSignal;
};
