import { inputSize, planOcclusion } from '@umbra/engine';
import { queueJobIds } from '@umbra/platform/queues/names';
import { keys } from '@umbra/platform/store/keys';
import { describeModel } from '@umbra/platform/store/models';
import { getRows } from '@umbra/platform/store/rows';
import type { ObjectStore } from '@umbra/platform/store/store';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
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
import { Job, type Queue } from 'bullmq';
import { withinQueueTimeout } from '../http/queue-timeout.js';
import type { ApiServices } from '../services.js';

/** Rows of an image that are finished. */
export type PartialRun = {
  /** null while the input's extent is not known: inputs vary in size, and the image is not in the queue. */
  readonly plan: OcclusionPlan | null;
  /** Finished bands of rows, top to bottom. */
  readonly bands: readonly ShardResult[];
  readonly settings: OcclusionSettings;
};

/** An image's merge in the queue, and what its shards have returned. */
type QueuedMerge = { readonly payload: MergePayload; readonly returned: readonly ShardReturn[] };

/**
 * Read the rows that an image's shards have finished: none before it is queued, nor after its merge.
 *
 * @throws {AppError} `unavailable` while Redis cannot be reached.
 */
export async function readPartial(
  { store, mergeQueue }: Pick<ApiServices, 'store' | 'mergeQueue'>,
  tenant: string,
  job: JobRecord,
  image: string,
): Promise<PartialRun> {
  const { model, settings } = job;
  const queued = await readMerge(mergeQueue, job, image);
  const bundle = await describeModel(store, { tenant, ...model });
  const { input } = bundle;
  const plan =
    queued === null && input.resize.rule === 'fit'
      ? null
      : planOcclusion(queued === null ? input : inputSize(input, queued.payload.item), settings);
  if (queued === null) return { plan, bands: [], settings };
  const bands = await Promise.all(
    queued.returned.map((value) => readBand(store, queued.payload, value)),
  );
  const found = bands.filter((band) => band !== null);
  return { plan, settings, bands: found.sort((a, b) => a.rowStart - b.rowStart) };
}

/** @returns null for an image that is not in the queue. */
async function readMerge(
  mergeQueue: Queue,
  { id, attempt }: JobRecord,
  image: string,
): Promise<QueuedMerge | null> {
  try {
    const merge = await withinQueueTimeout(
      Job.fromId(mergeQueue, queueJobIds.merge(id, attempt, image)),
    );
    if (merge === undefined) return null;
    const values = Object.values(await merge.getChildrenValues());
    return {
      payload: mergePayload.parse(merge.data),
      returned: values.map((value) => shardReturn.parse(value)),
    };
  } catch (error) {
    if (error instanceof Error && error.name === 'ZodError') throw error;
    throw unavailable('The queue (Redis) cannot be reached', error);
  }
}

/** @returns null for rows that the merge has deleted meanwhile. */
async function readBand(
  store: ObjectStore,
  payload: MergePayload,
  value: ShardReturn,
): Promise<ShardResult | null> {
  if (!isLargeResult(value)) return value;
  const { tenant, jobId, item } = payload;
  try {
    return await getRows(
      store,
      keys.largeResult(tenant, jobId, item.id, value),
      addressOf(payload),
    );
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  }
}
