import { decodeRows } from '@umbra/engine';
import { leaseOwner } from '@umbra/platform/redis/score-lease';
import { keys } from '@umbra/platform/store/keys';
import type { MergePayload, ShardReturn } from '@umbra/shared/contracts/shard';
import { integrity, reportError } from '@umbra/shared/errors';
import { addressOf } from '@umbra/shared/occlusion/address';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { joinRows } from '@umbra/shared/occlusion/rows';
import type { WorkerServices } from '../services.js';
import { deleteLargeResults, loadLargeResult } from '../shards/large-results.js';
import { keepBands, keepImage, type RunRows } from '../shards/reuse.js';
import { isSameBaseline } from '../shards/same-baseline.js';

/** The rows of an image's shards, wherever they are. */
export const readShards = (
  services: WorkerServices,
  image: MergePayload,
  returned: readonly ShardReturn[],
): Promise<RunRows[]> =>
  Promise.all(
    returned.map(async (value) => decodeRows(await loadLargeResult(services, image, value))),
  );

/** Copy every shard's rows to their place. @throws {AppError} `integrity` unless they are one run's. */
export function joinShards(
  shards: readonly RunRows[],
  plan: OcclusionPlan,
  imageId: string,
): RunRows {
  // Of rows old and new, it is the new ones' run that is told of.
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

/** Keep a finished image's rows for later jobs, unless that is where they come from. */
export async function keepWhole(
  services: WorkerServices,
  image: MergePayload,
  rows: RunRows,
): Promise<void> {
  if (!image.reuse) return;
  const address = addressOf(image);
  const known = rows.reused && (await services.store.head(keys.rows(image.tenant, address, rows)));
  if (!known) await keepImage(services, image, address, rows);
}

/** Keep what is good of an image that did not get there; without it a later run takes longer. */
export async function keepGood(
  services: WorkerServices,
  image: MergePayload,
  returned: readonly ShardReturn[],
): Promise<void> {
  if (!image.reuse) return;
  const { jobId, item } = image;
  try {
    await keepBands(services, image, addressOf(image), await readShards(services, image, returned));
  } catch (error) {
    services.logger.warn({ jobId, imageId: item.id, error: reportError(error) }, 'rows not kept');
  }
}

/** Let go of what an image needed until its merge. What is left behind is a nuisance, no failure. */
export async function tidy(
  services: WorkerServices,
  image: MergePayload,
  returned: readonly ShardReturn[],
): Promise<void> {
  const { tenant, jobId, item } = image;
  try {
    await services.scoreLease.release(tenant, addressOf(image), leaseOwner(image));
    await deleteLargeResults(services, image, returned);
  } catch (error) {
    services.logger.warn({ jobId, imageId: item.id, error: reportError(error) }, 'cannot tidy up');
  }
}
