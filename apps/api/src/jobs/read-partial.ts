import { inputSize, planOcclusion } from '@umbra/engine';
import { queueJobIds } from '@umbra/platform/queues/queues';
import { keys } from '@umbra/platform/store/keys';
import { describeModel } from '@umbra/platform/store/models';
import { getRows } from '@umbra/platform/store/rows';
import type { JobRecord } from '@umbra/shared/contracts/job';
import {
  isLargeResult,
  type MergePayload,
  mergePayload,
  type ShardResult,
  type ShardReturn,
  shardReturn,
} from '@umbra/shared/contracts/shard';
import { hasCode, unavailable } from '@umbra/shared/errors';
import { addressOf } from '@umbra/shared/occlusion/address';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { Job } from 'bullmq';
import { withinQueueTimeout } from '../http/queue-timeout.js';
import type { ApiServices } from '../services.js';

/** Rows of an image that are done. */
export type PartialRun = {
  /** null while the image's extent is not known: inputs vary in size, and it is not in the queue. */
  readonly plan: OcclusionPlan | null;
  /** Top to bottom. */
  readonly bands: readonly ShardResult[];
};

type Queued = { readonly work: MergePayload; readonly returned: readonly ShardReturn[] };

/**
 * Read what the shards of an image have given so far: nothing before it is queued, nor after its merge.
 *
 * @throws {AppError} `unavailable` while Redis cannot be reached.
 */
export async function readPartial(
  context: ApiServices,
  job: JobRecord,
  image: string,
): Promise<PartialRun> {
  const { model, settings } = job;
  const queued = await readQueue(context, job, image);
  const { input } = await describeModel(context.store, model.name, model.digest);
  const plan =
    queued === null && input.resize.rule === 'fit'
      ? null
      : planOcclusion(queued === null ? input : inputSize(input, queued.work.item), settings);
  if (queued === null) return { plan, bands: [] };
  const bands = await Promise.all(
    queued.returned.map((value) => readBand(context, queued.work, value)),
  );
  const found = bands.filter((band) => band !== null);
  return { plan, bands: found.sort((a, b) => a.rowStart - b.rowStart) };
}

/** @returns null for an image that is not in the queue. */
async function readQueue(
  { mergeQueue }: ApiServices,
  { id, attempt }: JobRecord,
  image: string,
): Promise<Queued | null> {
  try {
    // BullMQ waits for a Redis that is not there yet; a request must not.
    const merge = await withinQueueTimeout(
      Job.fromId(mergeQueue, queueJobIds.merge(id, attempt, image)),
    );
    if (merge === undefined) return null;
    const values = Object.values(await merge.getChildrenValues());
    return {
      work: mergePayload.parse(merge.data),
      returned: values.map((value) => shardReturn.parse(value)),
    };
  } catch (error) {
    if (error instanceof Error && error.name === 'ZodError') throw error;
    throw unavailable('The queue (Redis) cannot be reached', error);
  }
}

/** @returns null for one that the merge has taken away meanwhile. */
async function readBand(
  { store }: ApiServices,
  work: MergePayload,
  value: ShardReturn,
): Promise<ShardResult | null> {
  if (!isLargeResult(value)) return value;
  const { tenant, jobId, item } = work;
  try {
    return await getRows(store, keys.largeResult(tenant, jobId, item.id, value), addressOf(work));
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  }
}
