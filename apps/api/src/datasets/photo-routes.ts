import { drawPhoto } from '@umbra/engine';
import { z } from 'zod';
import { forCaller } from '../http/for-caller.js';
import { answerNotModified } from '../http/not-modified.js';
import { operation, type Route, route } from '../http/operation.js';
import { photoParams } from '../http/params.js';
import type { ApiServices } from '../services.js';
import { findPhoto } from './find-photo.js';

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
    params: photoParams,
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
      const { item, readBytes } = await findPhoto(forCaller(services, call), tenant, params);
      // A browser may keep it for its user alone, and asks each time: the right to see it may have ended.
      response.set('Cache-Control', 'private, no-cache');
      if (answerNotModified(request, response, [params, item.sha256, query])) return;
      const photo = await services.turns.drawings.run(call, async () => {
        const bytes = await readBytes();
        signal.throwIfAborted();
        const limits = { maxPixels: services.config.UMBRA_MAX_IMAGE_PIXELS };
        return drawPhoto(bytes, limits, { width: query.w, height: maxHeightPx });
      });
      response.type('image/webp').send(photo);
    }),
  ];
}
