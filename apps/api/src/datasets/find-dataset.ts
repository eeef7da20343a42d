import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { type Dataset, storedDataset } from '@umbra/shared/contracts/dataset';
import { AppError, hasCode, notFound } from '@umbra/shared/errors';
import type { ApiServices } from '../services.js';

/** @throws {AppError} `not_found` */
export async function findDataset(
  { store }: Pick<ApiServices, 'store'>,
  tenant: string,
  id: string,
): Promise<Dataset> {
  try {
    return await getJson(store, keys.dataset(tenant, id), storedDataset);
  } catch (error) {
    throw hasCode(error, 'not_found') ? notFound(`Unknown dataset '${id}'`) : error;
  }
}

/** @throws {AppError} `not_found`; `conflict` if it takes no more images. */
export async function findOpen(context: ApiServices, tenant: string, id: string): Promise<Dataset> {
  const dataset = await findDataset(context, tenant, id);
  if (dataset.state === 'open') return dataset;
  throw new AppError('conflict', `Dataset '${id}' is ${dataset.state}: it takes no more images`);
}
