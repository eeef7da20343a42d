import { decodeRows, encodeRows } from '@umbra/engine';
import { keys, rowsOfKey } from '@umbra/platform/store/keys';
import { getRows, putRows } from '@umbra/platform/store/rows';
import type { MergePayload } from '@umbra/shared/contracts/shard';
import { hasCode } from '@umbra/shared/errors';
import { addressOf } from '@umbra/shared/occlusion/address';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { areFullRows } from '@umbra/shared/occlusion/rows';
import type { RowRange } from '@umbra/shared/occlusion/shards';
import type { WorkerServices } from '../services.js';
import type { RunRows } from './run-rows.js';

type ReuseServices = Pick<WorkerServices, 'store' | 'logger'>;

/**
 * Find rows of an image that an earlier run has kept: all of the image's, or, where its job was
 * started again, those of the attempt that failed.
 *
 * Objects that do not hold what their key says are skipped, and so computed and written again.
 *
 * @param plan Of the whole image.
 * @param range Rows that are asked for; bands beyond it are not read.
 */
export async function findRows(
  services: ReuseServices,
  image: MergePayload,
  plan: OcclusionPlan,
  range: RowRange,
): Promise<RunRows[]> {
  const kept = { image, address: addressOf(image), plan };
  const whole = await readRows(services, kept, { rowStart: 0, rowEnd: plan.rows });
  if (whole !== null) return [whole];
  if (image.attempt === 1) return [];
  const found: RunRows[] = [];
  const bands = services.store.list(keys.addressedRows(image.tenant, kept.address));
  for await (const { key } of bands) {
    const rows = rowsOfKey(key);
    if (rows === null || rows.rowEnd <= range.rowStart || rows.rowStart >= range.rowEnd) continue;
    const band = await readRows(services, kept, rows);
    if (band !== null) found.push(band);
  }
  return found;
}

type KeptImage = {
  readonly image: MergePayload;
  readonly address: string;
  readonly plan: OcclusionPlan;
};

async function readRows(
  { store, logger }: ReuseServices,
  { image, address, plan }: KeptImage,
  range: RowRange,
): Promise<RunRows | null> {
  const { tenant, jobId, item } = image;
  const key = keys.rows(tenant, address, range);
  try {
    const rows = decodeRows(await getRows(store, key, address));
    const isWhole = areFullRows(rows, plan.rowStarts, rows.baseline.targets.length);
    if (isWhole && rows.rowStart === range.rowStart && rows.rowEnd === range.rowEnd) return rows;
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    if (!hasCode(error, 'integrity')) throw error;
  }
  logger.warn({ jobId, imageId: item.id, key }, 'damaged kept rows ignored');
  return null;
}

/** Keep all rows of an image for other jobs with the same work. */
export async function keepImage(
  { store }: Pick<WorkerServices, 'store'>,
  image: MergePayload,
  rows: RunRows,
): Promise<void> {
  const { tenant, attempt } = image;
  const address = addressOf(image);
  await keepBands({ store }, image, [rows]);
  // The bands of a failed attempt are part of them now; only a later attempt can have found some.
  if (attempt === 1) return;
  for await (const { key } of store.list(keys.addressedRows(tenant, address))) {
    if (key !== keys.rows(tenant, address, rows)) await store.delete(key);
  }
}

/** Keep some rows of an image, as of one that failed or was cancelled, for its next attempt. */
export async function keepBands(
  { store }: Pick<WorkerServices, 'store'>,
  image: MergePayload,
  bands: readonly RunRows[],
): Promise<void> {
  const address = addressOf(image);
  for (const band of bands) {
    const key = keys.rows(image.tenant, address, band);
    await putRows(store, key, address, { ...band, ...encodeRows(band) });
  }
}
