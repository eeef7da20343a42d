import { keys } from '@umbra/platform/store/keys';
import { getRows, putRows } from '@umbra/platform/store/rows';
import {
  isLargeResult,
  type MergePayload,
  type ShardResult,
  type ShardReturn,
} from '@umbra/shared/contracts/shard';
import { addressOf } from '@umbra/shared/occlusion/address';
import type { RowRange } from '@umbra/shared/occlusion/shards';
import type { WorkerServices } from '../services.js';

/** Most base64 that a shard's return value may hold in Redis. */
const inlineCharacters = 64 * 1024;

/** A shard's return value: its result, or, where that is large, a sign that it is in the store. */
export async function storeLargeResult(
  { store }: WorkerServices,
  work: MergePayload,
  result: ShardResult,
): Promise<ShardReturn> {
  if (result.scores.length + result.predictedClasses.length <= inlineCharacters) return result;
  await putRows(store, keyOf(work, result), addressOf(work), result);
  const { version, rowStart, rowEnd, provenance, reused, milliseconds } = result;
  return { version, rowStart, rowEnd, provenance, reused, milliseconds };
}

/** The result that a return value stands for. @throws {AppError} `not_found`, `integrity` */
export async function loadLargeResult(
  { store }: WorkerServices,
  work: MergePayload,
  value: ShardReturn,
): Promise<ShardResult> {
  return isLargeResult(value) ? getRows(store, keyOf(work, value), addressOf(work)) : value;
}

/** Once the merge has what it needs. */
export async function deleteLargeResults(
  { store }: WorkerServices,
  work: MergePayload,
  values: readonly ShardReturn[],
): Promise<void> {
  await Promise.all(values.filter(isLargeResult).map((value) => store.delete(keyOf(work, value))));
}

const keyOf = ({ tenant, jobId, item }: MergePayload, rows: RowRange): string =>
  keys.largeResult(tenant, jobId, item.id, rows);
