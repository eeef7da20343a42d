import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type Dataset, storedDataset } from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import { hasCode } from '@umbra/shared/errors';

/** @returns null where there is no such dataset. */
export async function readDatasetRecord(
  store: ObjectStore,
  { tenant, id }: Reference,
): Promise<Dataset | null> {
  return getJson(store, keys.dataset(tenant, id), storedDataset).catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });
}
