import { decodeRows } from '@umbra/engine';
import { nameRun } from '@umbra/platform/redis/lease';
import { keys } from '@umbra/platform/store/keys';
import { isLargeResult, type MergePayload, type ShardReturn } from '@umbra/shared/contracts/shard';
import { hasCode, integrity, reportError } from '@umbra/shared/errors';
import { addressOf } from '@umbra/shared/occlusion/address';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { joinRows } from '@umbra/shared/occlusion/rows';
import type { WorkerServices } from '../services.js';
import { deleteLargeResults, loadLargeResult } from '../shards/large-results.js';
import { keepBands, keepImage } from '../shards/reuse.js';
import type { LostRows, RunRows } from '../shards/run-rows.js';
import { isSameBaseline } from '../shards/same-baseline.js';
import { rowsLeaseKey } from '../shards/score-rows.js';

/** The rows that an image's shards have returned. */
export type ImageRows = {
  /** Keep a finished image's rows for later jobs, unless they come from there. */
  keepImage(rows: RunRows): Promise<void>;
  /** Keep the rows of an image that failed. Without them a later attempt takes longer; never rejects. */
  keepBands(): Promise<void>;
  /** Release what the image needed until its merge. What is left behind is harmless; never rejects. */
  release(): Promise<void>;
};

export function openImageRows(
  services: Pick<WorkerServices, 'store' | 'rowsLease' | 'logger'>,
  image: MergePayload,
  returned: readonly ShardReturn[],
): ImageRows {
  const { store, rowsLease, logger } = services;
  const { tenant, jobId, item, reuse } = image;
  const address = addressOf(image);
  return {
    async keepImage(rows) {
      if (!reuse) return;
      const isKept = rows.reused && (await store.head(keys.rows(tenant, address, rows))) !== null;
      if (!isKept) await keepImage(services, image, rows);
    },
    async keepBands() {
      if (!reuse) return;
      try {
        await keepBands(
          services,
          image,
          (await readShards(services, image, returned)).filter(isRead),
        );
      } catch (error) {
        logger.warn({ jobId, imageId: item.id, error: reportError(error) }, 'rows not kept');
      }
    },
    async release() {
      try {
        await rowsLease.release(rowsLeaseKey(image), nameRun(image));
        await deleteLargeResults(services, image, returned);
      } catch (error) {
        logger.warn({ jobId, imageId: item.id, error: reportError(error) }, 'image not cleaned up');
      }
    },
  };
}

/**
 * Read the rows that an image's shards have returned, and join them.
 *
 * @throws {AppError} `integrity` unless one run gave them.
 */
export async function joinReturned(
  services: Pick<WorkerServices, 'store'>,
  image: MergePayload,
  returned: readonly ShardReturn[],
  plan: OcclusionPlan,
): Promise<RunRows | LostRows> {
  const found = await readShards(services, image, returned);
  const lost = returned.filter((_, index) => found[index] === null);
  return lost.length > 0 ? { lost } : joinShards(found.filter(isRead), plan, image.item.id);
}

const readShards = (
  services: Pick<WorkerServices, 'store'>,
  image: MergePayload,
  returned: readonly ShardReturn[],
) => Promise.all(returned.map((value) => readShard(services, image, value)));

const isRead = (rows: RunRows | null): rows is RunRows => rows !== null;

/** @returns null where a result that was put into the store is not there any more, or is damaged. */
async function readShard(
  services: Pick<WorkerServices, 'store'>,
  image: MergePayload,
  value: ShardReturn,
): Promise<RunRows | null> {
  try {
    return decodeRows(await loadLargeResult(services, image, value));
  } catch (error) {
    const isLost = hasCode(error, 'not_found') || hasCode(error, 'integrity');
    if (isLargeResult(value) && isLost) return null;
    throw error;
  }
}

/** Copy every shard's rows to their place. @throws {AppError} `integrity` unless one run gave them. */
function joinShards(shards: readonly RunRows[], plan: OcclusionPlan, imageId: string): RunRows {
  // Where some rows are reused, the provenance is that of the computed ones.
  const first = shards.find(({ reused }) => !reused) ?? shards[0];
  if (first === undefined) throw integrity(`Expected shards of image ${imageId}, got none`);
  for (const shard of shards) {
    const isAlike = shard.reused || shard.provenance.backend === first.provenance.backend;
    if (isAlike && isSameBaseline(first.baseline, shard.baseline)) continue;
    throw integrity(`Expected all shards of image ${imageId} to come from the same run`);
  }
  return {
    ...first,
    ...joinRows(shards, plan.rowStarts, first.baseline.targets.length),
    reused: shards.some(({ reused }) => reused),
    milliseconds: shards.reduce((sum, { milliseconds }) => sum + milliseconds, 0),
  };
}
