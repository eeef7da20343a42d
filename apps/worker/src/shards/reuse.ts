import { decodeRows, encodeRows } from '@umbra/engine';
import { keys, rowsOfKey } from '@umbra/platform/store/keys';
import { getRows, putRows } from '@umbra/platform/store/rows';
import type { MergePayload, ShardResult } from '@umbra/shared/contracts/shard';
import { hasCode } from '@umbra/shared/errors';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { areFullRows, type ScoredRows } from '@umbra/shared/occlusion/rows';
import type { RowRange } from '@umbra/shared/occlusion/shards';
import type { WorkerServices } from '../services.js';

/** Numbers of some rows, and all that was said of them. */
export type RunRows = ScoredRows & Omit<ShardResult, 'scores' | 'predictedClasses'>;

type Work = Pick<MergePayload, 'tenant' | 'jobId' | 'item' | 'attempt'>;

/**
 * Rows of this work that an earlier run has left in the store: all of the image's, or, where its job was
 * begun again, what was good of the run that failed.
 *
 * Objects that do not hold what their key says are passed over, and so computed and written again.
 */
export async function findRows(
  services: WorkerServices,
  work: Work,
  address: string,
  plan: OcclusionPlan,
  range: RowRange,
): Promise<RunRows[]> {
  const all = { rowStart: 0, rowEnd: plan.rows };
  const whole = await readRows(services, work, address, plan, all);
  if (whole !== null) return [whole];
  if (work.attempt === 1) return [];
  const found: RunRows[] = [];
  for await (const { key } of services.store.list(keys.addressedRows(work.tenant, address))) {
    const rows = rowsOfKey(key);
    if (rows === null || rows.rowEnd <= range.rowStart || rows.rowStart >= range.rowEnd) continue;
    const band = await readRows(services, work, address, plan, rows);
    if (band !== null) found.push(band);
  }
  return found;
}

async function readRows(
  { store, logger }: WorkerServices,
  { tenant, jobId, item }: Work,
  address: string,
  plan: OcclusionPlan,
  range: RowRange,
): Promise<RunRows | null> {
  const key = keys.rows(tenant, address, range);
  try {
    const rows = decodeRows(await getRows(store, key, address));
    const isWhole = areFullRows(rows, plan.rowStarts, rows.baseline.targets.length);
    if (isWhole && rows.rowStart === range.rowStart && rows.rowEnd === range.rowEnd) return rows;
  } catch (error) {
    if (hasCode(error, 'not_found')) return null;
    if (!hasCode(error, 'integrity')) throw error;
  }
  logger.warn({ jobId, imageId: item.id, key }, 'kept rows are damaged; computing them again');
  return null;
}

/** Keep all rows of an image for whoever has the same work. */
export async function keepImage(
  { store }: WorkerServices,
  { tenant, attempt }: Work,
  address: string,
  rows: RunRows,
): Promise<void> {
  await keep(store, tenant, address, rows);
  // What a failed run had left is part of them now; only a run after it can have found some.
  if (attempt === 1) return;
  for await (const { key } of store.list(keys.addressedRows(tenant, address))) {
    if (key !== keys.rows(tenant, address, rows)) await store.delete(key);
  }
}

/** Keep what is good of an image that failed or was cancelled, for when it is begun again. */
export async function keepBands(
  { store }: WorkerServices,
  { tenant }: Work,
  address: string,
  bands: readonly RunRows[],
): Promise<void> {
  for (const band of bands) await keep(store, tenant, address, band);
}

const keep = (store: WorkerServices['store'], tenant: string, address: string, rows: RunRows) =>
  putRows(store, keys.rows(tenant, address, rows), address, { ...rows, ...encodeRows(rows) });
