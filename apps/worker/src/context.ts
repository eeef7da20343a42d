import type { Engine } from '@umbra/engine';
import type {
  EventBook,
  FleetBook,
  Logger,
  ObjectStore,
  ProgressBook,
  ShardQueue,
  SourceStores,
  TenantReader,
  UsageBook,
} from '@umbra/shared';
import type { PaceBook } from '@umbra/shared/metrics';
import type { TraceBook, Tracing } from '@umbra/shared/tracing';
import type { FlowProducer, Queue } from 'bullmq';
import type { Announce } from './announce.js';
import type { ClaimBook } from './claims.js';
import type { WorkerConfig } from './config.js';
import type { WorkerMetrics } from './metrics.js';
import type { ModelShelf } from './model-shelf.js';

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
