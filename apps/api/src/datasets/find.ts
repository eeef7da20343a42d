import {
  AppError,
  type Dataset,
  getJson,
  hasCode,
  keys,
  notFound,
  storedDataset,
} from '@umbra/shared';
import type { Context } from '../context.js';

/** @throws {AppError} `not_found` */
export async function findDataset(
  { store }: Pick<Context, 'store'>,
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
export async function findOpen(context: Context, tenant: string, id: string): Promise<Dataset> {
  const dataset = await findDataset(context, tenant, id);
  if (dataset.state === 'open') return dataset;
  throw new AppError('conflict', `Dataset '${id}' is ${dataset.state}: it takes no more images`);
}
