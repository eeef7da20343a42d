import type { Engine } from '@umbra/engine';
import type { ShardQueue } from '@umbra/platform/queues/names';
import type { HeldImages } from '@umbra/platform/redis/held-images';
import type { Lease } from '@umbra/platform/redis/lease';
import type { PlatformServices } from '@umbra/platform/services';
import type { FlowProducer, Queue } from 'bullmq';
import type { Apart } from './apart/apart.js';
import type { WorkerConfig } from './config.js';
import type { WorkerMetrics } from './observability/worker-metrics.js';
import type { ModelCache } from './runtime/model-cache.js';
import type { RunningSteps } from './runtime/running-work.js';

/**
 * Everything a worker process opens once. A function takes a `Pick` of what it uses, so that its
 * signature names its dependencies.
 */
export type WorkerServices = PlatformServices & {
  readonly config: Readonly<WorkerConfig>;
  /** Held while an image's rows are computed. */
  readonly rowsLease: Lease;
  readonly engine: Engine;
  readonly modelCache: ModelCache;
  readonly heldImages: HeldImages;
  /** Runs what processes ended at. */
  readonly apart: Apart;
  readonly flows: FlowProducer;
  readonly ingestQueue: Queue;
  readonly dispatchQueue: Queue;
  readonly shardQueues: Readonly<Record<ShardQueue, Queue>>;
  readonly mergeQueue: Queue;
  readonly archiveQueue: Queue;
  readonly webhookQueue: Queue;
  readonly reportQueue: Queue;
  readonly trialQueue: Queue;
  readonly metrics: WorkerMetrics;
  /** What this process runs now, for its heartbeats. */
  readonly runningSteps: RunningSteps;
  /** Aborted when this process takes no more work. */
  readonly closing: AbortSignal;
  /** Aborted when shards must be given back because this process is about to end. */
  readonly shutdown: AbortSignal;
};
