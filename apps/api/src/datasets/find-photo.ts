import { readItem } from '@umbra/platform/store/read-item';
import type { DatasetItem } from '@umbra/shared/contracts/dataset';
import { AppError, hasCode, notFound } from '@umbra/shared/errors';
import type { ApiServices } from '../services.js';
import { findDataset } from './find-dataset.js';
import { findItem } from './find-item.js';

export type DatasetPhoto = {
  readonly item: DatasetItem;
  /** Reads the encoded photo. @throws {AppError} `not_found` where it is gone; `integrity`; `forbidden` */
  readonly readBytes: () => Promise<Buffer>;
};

/** Find a photo of a dataset. @throws {AppError} `not_found`; `conflict` while the dataset is not ready. */
export async function findPhoto(
  services: Pick<ApiServices, 'store' | 'sources'>,
  tenant: string,
  photo: { readonly dataset: string; readonly image: string },
): Promise<DatasetPhoto> {
  const { store } = services;
  const { id, state, images } = await findDataset(store, { tenant, id: photo.dataset });
  if (state !== 'ready') {
    throw new AppError('conflict', `Dataset '${id}' is ${state}: its photos are there once it is`);
  }
  const item = await findItem(store, { tenant, id, images }, photo.image);
  if (item === null) throw notFound(`Unknown image '${photo.image}' of dataset '${id}'`);
  const readBytes = () =>
    readItem(services, tenant, id, item).catch((error: unknown) => {
      if (!hasCode(error, 'not_found')) throw error;
      const place = item.source === undefined ? 'its dataset' : `s3://${item.source.bucket}`;
      throw notFound(`The photo of image '${item.id}' is gone from ${place}`);
    });
  return { item, readBytes };
}
