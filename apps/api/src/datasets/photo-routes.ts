import { drawPhoto } from '@umbra/engine';
import { readItem } from '@umbra/platform/store/read-item';
import type { Dataset, DatasetItem } from '@umbra/shared/contracts/dataset';
import { imageId } from '@umbra/shared/contracts/dataset';
import { AppError, hasCode, notFound } from '@umbra/shared/errors';
import { z } from 'zod';
import { forCaller } from '../http/for-caller.js';
import { answerNotModified } from '../http/not-modified.js';
import { operation, type Route, route } from '../http/operation.js';
import { datasetParam } from '../http/params.js';
import type { ApiServices } from '../services.js';
import { findDataset } from './find-dataset.js';
import { findItem } from './find-item.js';

/** Height that no photo is drawn beyond, px: a narrow one of any length must fit a WebP file. */
const maxHeightPx = 8192;

export const photoOperations = {
  photo: operation({
    id: 'getPhoto',
    method: 'get',
    path: '/v1/datasets/{dataset}/images/{image}/photo',
    tag: 'datasets',
    scope: 'read',
    summary: 'Draw a photo of a dataset: upright, shrunk, and without its metadata',
    description:
      'The original is never sent: it may say where it was taken. A photo that is smaller than asked for is not enlarged.',
    params: { ...datasetParam, image: imageId },
    query: z.strictObject({
      /** Greatest width, px. */
      w: z.coerce.number().int().min(16).max(4096).default(1024),
    }),
    answers: {
      200: { description: 'The photo', content: { 'image/webp': 'bytes' } },
      304: { description: 'The client has it already' },
    },
    problems: ['conflict', 'forbidden'],
  }),
};

type PhotoServices = Pick<ApiServices, 'store' | 'sources' | 'config' | 'turns'>;

/** Routes of a dataset's photos. */
export function photoRoutes(services: PhotoServices): Route[] {
  return [
    route(photoOperations.photo, async (call) => {
      const { tenant, params, query, request, response, signal } = call;
      const reading = forCaller(services, call);
      const dataset = await findDataset(reading.store, { tenant, id: params.dataset });
      const item = await findPhoto(reading, tenant, dataset, params.image);
      // A browser may keep it for its user alone, and asks each time: the right to see it may have ended.
      response.set('Cache-Control', 'private, no-cache');
      if (answerNotModified(request, response, [params, item.sha256, query])) return;
      const photo = await services.turns.drawings.run(call, async () => {
        const bytes = await readPhoto(reading, tenant, dataset, item);
        signal.throwIfAborted();
        const limits = { maxPixels: services.config.UMBRA_MAX_IMAGE_PIXELS };
        return drawPhoto(bytes, limits, { width: query.w, height: maxHeightPx });
      });
      response.type('image/webp').send(photo);
    }),
  ];
}

/** @throws {AppError} `not_found`; `conflict` while the dataset is not ready. */
async function findPhoto(
  { store }: PhotoServices,
  tenant: string,
  { id, state, images }: Dataset,
  image: string,
): Promise<DatasetItem> {
  if (state !== 'ready') {
    throw new AppError('conflict', `Dataset '${id}' is ${state}: its photos are there once it is`);
  }
  const item = await findItem(store, { tenant, id, images }, image);
  if (item === null) throw notFound(`Unknown image '${image}' of dataset '${id}'`);
  return item;
}

async function readPhoto(
  services: PhotoServices,
  tenant: string,
  { id }: Dataset,
  item: DatasetItem,
): Promise<Buffer> {
  try {
    return await readItem(services, tenant, id, item);
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
    const place = item.source === undefined ? 'its dataset' : `s3://${item.source.bucket}`;
    throw notFound(`The photo of image '${item.id}' is gone from ${place}`);
  }
}
