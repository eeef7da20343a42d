import { type ShardQueue, shardQueues } from '@umbra/platform/queues/queues';
import { readTenant, unlimitedTenant } from '@umbra/platform/tenancy/tenant';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { WorkerNotice } from '@umbra/shared/contracts/worker';
import type { WorkerServices } from '../services.js';

/** What changes slowly, and costs more to read than a job's progress. */
export type FleetSnapshot = {
  /** Inference threads of live workers, by queue. */
  readonly inferenceThreads: Readonly<Record<ShardQueue, number>>;
  /** Seconds a position, by model. */
  readonly secondsPerPosition: ReadonlyMap<string, number>;
  /** A tenant's share beside the others'. */
  readonly weightOf: (tenant: string) => number;
};

/** A new weight holds after this time at the latest. */
const weightsMs = 30_000;

/** @returns Reads the outlook as it is now. */
export function createFleetSnapshotReader(services: WorkerServices): () => Promise<FleetSnapshot> {
  const { workerRegistry, throughput, progress, store } = services;
  let weights = new Map<string, number>();
  let readAtMs = 0;
  const readWeights = async (): Promise<void> => {
    const tenants = new Set((await progress.listRegistered()).values());
    const isStale = Date.now() - readAtMs > weightsMs;
    if (isStale) [weights, readAtMs] = [new Map(), Date.now()];
    for (const tenant of tenants) {
      if (weights.has(tenant)) continue;
      weights.set(tenant, (await readTenant(store, tenant, unlimitedTenant)).weight);
    }
  };
  return async () => {
    const [workers, secondsPerPosition] = await Promise.all([
      workerRegistry.list(),
      throughput.read(),
      readWeights(),
    ]);
    return {
      inferenceThreads: {
        shard: inferenceThreadsOf(workers, 'shard'),
        shardTfjs: inferenceThreadsOf(workers, 'shardTfjs'),
      },
      secondsPerPosition,
      weightOf: (tenant) => weights.get(tenant) ?? 1,
    };
  };
}

function inferenceThreadsOf(workers: readonly WorkerNotice[], queue: ShardQueue): number {
  const formats: readonly ModelBundle['format'][] = shardQueues[queue];
  return workers
    .filter((worker) => worker.formats.some((format) => formats.includes(format)))
    .reduce((sum, { inferenceThreads }) => sum + inferenceThreads, 0);
}
