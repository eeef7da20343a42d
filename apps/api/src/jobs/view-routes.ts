import {
  findLayer,
  findUnit,
  occludeInput,
  planOcclusion,
  prepareImage,
  renderInput,
  renderReceptiveField,
} from '@umbra/engine';
import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { describeModel } from '@umbra/platform/store/models';
import { readItem } from '@umbra/platform/store/read-item';
import { imageResult } from '@umbra/shared/contracts/result';
import { hasCode, invalidInput, notFound } from '@umbra/shared/errors';
import { z } from 'zod';
import { answerNotModified } from '../http/not-modified.js';
import { operation, type Route, route } from '../http/operation.js';
import { imageParams } from '../http/params.js';
import { createDrawingSemaphore, pictureAnswers } from '../http/pictures.js';
import { useStoredNetwork } from '../models/use-stored-network.js';
import type { ApiServices } from '../services.js';
import { findJob } from './job-routes.js';
import { imageState } from './list-images.js';

const place = z.coerce.number().int().min(0).max(1_000_000);
const inputView = z.strictObject({
  /** A position of the patch; the photo as it is when left out. */
  row: place.optional(),
  column: place.optional(),
  /** Of the patch sizes. */
  grid: place.default(0),
});
const fieldView = z.strictObject({ layer: z.string(), unit: z.string().optional() });

export const viewOperations = {
  input: operation({
    id: 'getInput',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/input.png',
    ...{ tag: 'results', scope: 'read' },
    summary: 'What the model was given; with row and column, with the patch there',
    params: imageParams,
    query: inputView,
    answers: pictureAnswers,
  }),
  receptiveField: operation({
    id: 'getReceptiveField',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/receptive-field.png',
    ...{ tag: 'results', scope: 'read' },
    summary: 'The photo with what a unit (ROW,COLUMN) of a layer sees',
    params: imageParams,
    query: fieldView,
    answers: pictureAnswers,
  }),
};

/** Pictures of what the model was given and what it saw, of finished images. */
export function viewRoutes(context: ApiServices): Route[] {
  const { store, config } = context;
  const drawingSemaphore = createDrawingSemaphore();
  const limits = { maxPixels: config.UMBRA_MAX_IMAGE_PIXELS };
  return [
    route(viewOperations.input, async ({ tenant, params, query, request, response }) => {
      const { row, column, grid } = query;
      if ((row === undefined) !== (column === undefined)) {
        throw invalidInput('Expected row and column, or neither of them');
      }
      const { result, photo } = await findImage(context, tenant, params);
      if (answerNotModified(request, response, [params, row, column, grid])) return;
      const png = await drawingSemaphore(async () => {
        const { name, digest } = result.model;
        const bundle = await describeModel(store, name, digest);
        const image = await prepareImage(await photo(), bundle.input, limits);
        const file = result.image.name;
        if (row === undefined || column === undefined) {
          return renderInput(image, bundle, `${file}: the model's input`);
        }
        const plan = planOcclusion(image, result.settings);
        const { fill } = result.settings;
        const position = { grid, row, column };
        const occluded = occludeInput(image, bundle, { plan, fill, position });
        const { top, left, bottom, right } = occluded.box;
        const title = `${file}: patch at row ${row}, column ${column} (y ${top}-${bottom}, x ${left}-${right})`;
        return renderInput(occluded.image, bundle, title);
      });
      response.type('image/png').send(png);
    }),
    route(viewOperations.receptiveField, async (call) => {
      const { tenant, params, query: view, request, response } = call;
      const { result, photo } = await findImage(context, tenant, params);
      if (answerNotModified(request, response, [params, view])) return;
      const png = await drawingSemaphore(async () => {
        const { bundle, layer } = await useStoredNetwork(
          context,
          result.model,
          result.input,
          async ({ bundle, network }) => ({ bundle, ...findLayer(network.graph, view.layer) }),
        );
        const unit = findUnit(layer, view.unit);
        const bytes = await photo();
        const { frame } = await prepareImage(bytes, bundle.input, limits);
        return renderReceptiveField(bytes, frame, layer, unit);
      });
      response.type('image/png').send(png);
    }),
  ];
}

/** A finished image's description, and what reads its photo. @throws {AppError} `not_found` */
async function findImage(
  context: ApiServices,
  tenant: string,
  { job: id, image }: { readonly job: string; readonly image: string },
) {
  const { store } = context;
  const job = await findJob(context, tenant, id);
  try {
    const result = await getJson(
      store,
      keys.result(tenant, job.id, image, 'result.json'),
      imageResult,
    );
    const photo = () => readItem(context, tenant, job.dataset, result.image);
    return { result, photo };
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
    throw await missingResult(store, tenant, job.id, image);
  }
}

/** Why an image of a job has nothing to show. */
export async function missingResult(
  store: ApiServices['store'],
  tenant: string,
  jobId: string,
  image: string,
): Promise<Error> {
  const { state, error: reason } = await imageState(store, tenant, jobId, image);
  const why = state === 'failed' ? `failed: ${reason?.message}` : 'has no results yet';
  return notFound(`Image '${image}' of job '${jobId}' ${why}`);
}
