import { type ShardQueue, shardQueues } from '@umbra/platform/queues/names';
import type { SetAsideModel } from '@umbra/platform/redis/losses';
import type { MeasuredModel } from '@umbra/platform/redis/throughput';
import { readTenant, unlimitedTenant } from '@umbra/platform/tenancy/tenant';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import type { WorkerNotice } from '@umbra/shared/contracts/worker';
import type { WorkerServices } from '../services.js';

/** The fleet's capacity and the tenants' weights: slow to change, and slower to read than progress. */
export type FleetSnapshot = {
  /** Inference threads of live workers, by queue. */
  readonly inferenceThreads: Readonly<Record<ShardQueue, number>>;
  /** Models that were measured, by digest. */
  readonly measured: ReadonlyMap<string, MeasuredModel>;
  /** Models that are not run, by digest. */
  readonly setAside: ReadonlyMap<string, SetAsideModel>;
  /** Weight of a tenant in the turns between tenants. */
  readonly weightOf: (tenant: string) => number;
};

/** Maximum age of a weight that is used. */
const weightTtlMs = 30_000;
/** Weight of a tenant that came after the snapshot. */
const defaultWeight = 1;

export type SnapshotServices = Pick<
  WorkerServices,
  'workerRegistry' | 'throughput' | 'losses' | 'store'
>;

/**
 * @param listTenants Tenants whose weights are asked for.
 * @returns Reads the current snapshot.
 */
export function createFleetSnapshotReader(
  services: SnapshotServices,
  listTenants: () => ReadonlySet<string>,
): () => Promise<FleetSnapshot> {
  const { workerRegistry, throughput, losses, store } = services;
  let weights = new Map<string, number>();
  let readAtMs = 0;
  const readWeights = async (): Promise<void> => {
    const isStale = Date.now() - readAtMs > weightTtlMs;
    if (isStale) [weights, readAtMs] = [new Map(), Date.now()];
    for (const tenant of listTenants()) {
      if (weights.has(tenant)) continue;
      weights.set(tenant, (await readTenant(store, tenant, unlimitedTenant)).weight);
    }
  };
  return async () => {
    const [workers, measured, setAside] = await Promise.all([
      workerRegistry.list(),
      throughput.read(),
      losses.listSetAside(),
      readWeights(),
    ]);
    return {
      inferenceThreads: {
        shard: inferenceThreadsOf(workers, 'shard'),
        shardTfjs: inferenceThreadsOf(workers, 'shardTfjs'),
      },
      measured,
      setAside,
      weightOf: (tenant) => weights.get(tenant) ?? defaultWeight,
    };
  };
}

function inferenceThreadsOf(workers: readonly WorkerNotice[], queue: ShardQueue): number {
  const formats: readonly ModelBundle['format'][] = shardQueues[queue];
  return workers
    .filter((worker) => worker.formats.some((format) => formats.includes(format)))
    .reduce((sum, { inferenceThreads }) => sum + inferenceThreads, 0);
}
