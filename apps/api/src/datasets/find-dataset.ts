import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { type Dataset, storedDataset } from '@umbra/shared/contracts/dataset';
import type { Reference } from '@umbra/shared/contracts/reference';
import { AppError, hasCode, notFound } from '@umbra/shared/errors';

/** Read a dataset's record. @throws {AppError} `not_found` */
export async function findDataset(store: ObjectStore, { tenant, id }: Reference): Promise<Dataset> {
  try {
    return await getJson(store, keys.dataset(tenant, id), storedDataset);
  } catch (error) {
    throw hasCode(error, 'not_found') ? notFound(`Unknown dataset '${id}'`) : error;
  }
}

/** Read the record of an open dataset. @throws {AppError} `not_found`; `conflict` if it is not open. */
export async function findOpenDataset(store: ObjectStore, reference: Reference): Promise<Dataset> {
  const dataset = await findDataset(store, reference);
  if (dataset.state === 'open') return dataset;
  const { id, state } = dataset;
  throw new AppError('conflict', `Dataset '${id}' is ${state}: it takes no more images`);
}
