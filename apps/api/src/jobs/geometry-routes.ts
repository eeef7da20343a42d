import { inputSize, photoMapping, planFrame, planOcclusion } from '@umbra/engine';
import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { describeModel } from '@umbra/platform/store/models';
import { type ImageGeometry, imageGeometry } from '@umbra/shared/contracts/geometry';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { imageResult } from '@umbra/shared/contracts/result';
import { hasCode, notFound } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import { findItem } from '../datasets/find-item.js';
import { forCaller } from '../http/for-caller.js';
import { operation, type Route, route } from '../http/operation.js';
import { imageParams } from '../http/params.js';
import type { ApiServices } from '../services.js';
import { findJob } from './find-job.js';

export const geometryOperations = {
  geometry: operation({
    id: 'getGeometry',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/geometry',
    tag: 'results',
    scope: 'read',
    summary: 'Get where the cells of an image lie on the photo, whether or not it is finished',
    params: imageParams,
    answers: {
      200: {
        description: 'The grids, and the way from px of the input to px of the photo',
        content: { 'application/json': imageGeometry },
      },
    },
  }),
};

type GeometryServices = Pick<ApiServices, 'store'>;

/** Route of an image's grids and of where they lie on its photo. */
export function geometryRoutes(services: GeometryServices): Route[] {
  return [
    route(geometryOperations.geometry, async (call) => {
      const { tenant, params, response } = call;
      const reading = forCaller(services, call);
      const job = await findJob(reading, tenant, params.job);
      const photo = await findExtent(reading, tenant, job, params.image);
      const { name, digest } = job.model;
      const { input } = await describeModel(reading.store, name, digest);
      const { image, grids } = planOcclusion(inputSize(input, photo), job.settings);
      const geometry: ImageGeometry = {
        image: params.image,
        photo,
        input: image,
        toPhoto: photoMapping(planFrame(input, photo)),
        stride: job.settings.stride,
        grids: grids.map(({ patch, rows, columns }) => ({ patch, rows, columns })),
      };
      response.json(imageGeometry.parse(geometry));
    }),
  ];
}

/** Find a photo's extent in its result, which outlives the dataset, or in the manifest. */
async function findExtent(
  { store }: GeometryServices,
  tenant: string,
  { id, dataset, counts }: JobRecord,
  image: string,
): Promise<Size> {
  const key = keys.result(tenant, id, image, 'result.json');
  const result = await getJson(store, key, imageResult).catch((error: unknown) => {
    if (hasCode(error, 'not_found')) return null;
    throw error;
  });
  const found =
    result?.image ?? (await findItem(store, { tenant, id: dataset, images: counts.total }, image));
  if (found === null) throw notFound(`Unknown image '${image}' of job '${id}'`);
  const { height, width } = found;
  return { height, width };
}
