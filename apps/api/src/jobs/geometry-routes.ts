import { inputSize, photoMapping, planFrame, planOcclusion } from '@umbra/engine';
import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { describeModel } from '@umbra/platform/store/models';
import { at } from '@umbra/shared/assert';
import { type ImageGeometry, imageGeometry } from '@umbra/shared/contracts/geometry';
import type { JobRecord } from '@umbra/shared/contracts/job';
import type { ModelBundle } from '@umbra/shared/contracts/model';
import { imageResult } from '@umbra/shared/contracts/result';
import { hasCode, notFound } from '@umbra/shared/errors';
import type { Size } from '@umbra/shared/occlusion/grid';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { findItem } from '../datasets/find-item.js';
import { forCaller } from '../http/for-caller.js';
import { operation, type Route, route } from '../http/operation.js';
import { imageParams } from '../http/params.js';
import type { ApiServices } from '../services.js';
import { findJob } from './find-job.js';

/** Answer of an operation that tells where the cells of an image lie. */
export const geometryAnswers = {
  200: {
    description: 'The grids, and the way from px of the input to px of the photo',
    content: { 'application/json': imageGeometry },
  },
} as const;

export const geometryOperations = {
  geometry: operation({
    id: 'getGeometry',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/geometry',
    tag: 'results',
    scope: 'read',
    summary: 'Get where the cells of an image lie on the photo, whether or not it is finished',
    params: imageParams,
    answers: geometryAnswers,
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
      const { input } = await describeModel(reading.store, { tenant, ...job.model });
      const plan = planOcclusion(inputSize(input, photo), job.settings);
      response.json(describeGeometry({ id: params.image, photo, input }, plan));
    }),
  ];
}

/** A photo's extent, and the input that a model makes of it. */
type PlacedImage = {
  readonly id: string;
  readonly photo: Size;
  readonly input: ModelBundle['input'];
};

/** Describe where the cells of a plan lie on a photo. */
export function describeGeometry(
  { id, photo, input }: PlacedImage,
  { image, grids }: OcclusionPlan,
): ImageGeometry {
  return imageGeometry.parse({
    image: id,
    photo: { height: photo.height, width: photo.width },
    input: image,
    toPhoto: photoMapping(planFrame(input, photo)),
    // One for all patch sizes.
    stride: at(grids, 0).stride,
    grids: grids.map(({ patch, rows, columns }) => ({ patch, rows, columns })),
  });
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
