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

/** Maximum number of base64 characters that a return value holds in Redis. */
const maxInlineCharacters = 64 * 1024;

/** Put a large result into the store. @returns The result itself, or a reference to the stored one. */
export async function storeLargeResult(
  { store }: Pick<WorkerServices, 'store'>,
  image: MergePayload,
  result: ShardResult,
): Promise<ShardReturn> {
  if (result.scores.length + result.predictedClasses.length <= maxInlineCharacters) return result;
  await putRows(store, keyOf(image, result), addressOf(image), result);
  const { version, rowStart, rowEnd, provenance, reused, milliseconds } = result;
  return { version, rowStart, rowEnd, provenance, reused, milliseconds };
}

/** Load the result that a return value stands for. @throws {AppError} `not_found`, `integrity` */
export async function loadLargeResult(
  { store }: Pick<WorkerServices, 'store'>,
  image: MergePayload,
  value: ShardReturn,
): Promise<ShardResult> {
  return isLargeResult(value) ? getRows(store, keyOf(image, value), addressOf(image)) : value;
}

/** Delete the stored results of an image whose merge has ended. */
export async function deleteLargeResults(
  { store }: Pick<WorkerServices, 'store'>,
  image: MergePayload,
  values: readonly ShardReturn[],
): Promise<void> {
  await Promise.all(values.filter(isLargeResult).map((value) => store.delete(keyOf(image, value))));
}

const keyOf = ({ tenant, jobId, item }: MergePayload, rows: RowRange): string =>
  keys.largeResult(tenant, jobId, item.id, rows);
