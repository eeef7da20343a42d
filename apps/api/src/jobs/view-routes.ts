import {
  drawActivations,
  type FigurePage,
  findLayer,
  findUnit,
  prepareImage,
  renderReceptiveField,
} from '@umbra/engine';
import { getJson } from '@umbra/platform/store/json';
import { keys } from '@umbra/platform/store/keys';
import { describeModel } from '@umbra/platform/store/models';
import { readItem } from '@umbra/platform/store/read-item';
import { tiling } from '@umbra/shared/contracts/layer';
import type { ModelReference } from '@umbra/shared/contracts/reference';
import { type ImageResult, imageResult } from '@umbra/shared/contracts/result';
import { hasCode } from '@umbra/shared/errors';
import { z } from 'zod';
import { modelMemoryOf } from '../config.js';
import { forCaller } from '../http/for-caller.js';
import { answerNotModified } from '../http/not-modified.js';
import { operation, type Route, route } from '../http/operation.js';
import { imageParams } from '../http/params.js';
import { pictureAnswers, sendPage } from '../http/pictures.js';
import { useStoredNetwork } from '../models/use-stored-network.js';
import type { ApiServices } from '../services.js';
import { assertPosition, drawInput, imageLimitsOf, inputView } from './draw-input.js';
import { findJob } from './find-job.js';
import { missingResultError } from './image-state.js';

const activationsView = tiling.extend({ layer: z.string().min(1).max(500) });
const fieldView = z.strictObject({ layer: z.string(), unit: z.string().optional() });

export const viewOperations = {
  input: operation({
    id: 'getInput',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/input.png',
    tag: 'results',
    scope: 'read',
    summary: "Draw the model's input; with row and column, with the patch there",
    params: imageParams,
    query: inputView,
    answers: pictureAnswers,
  }),
  receptiveField: operation({
    id: 'getReceptiveField',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/receptive-field.png',
    tag: 'results',
    scope: 'read',
    summary: 'Draw the receptive field of a unit (ROW,COLUMN) of a layer on the photo',
    params: imageParams,
    query: fieldView,
    answers: pictureAnswers,
  }),
  activations: operation({
    id: 'getActivations',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/activations.png',
    tag: 'results',
    scope: 'read',
    summary: "Draw a layer's feature maps for the photo, each from its lowest value to its highest",
    params: imageParams,
    query: activationsView,
    answers: pictureAnswers,
  }),
};

type ViewServices = Pick<ApiServices, 'store' | 'sources' | 'config' | 'turns' | 'modelFolders'>;

/** Routes of the pictures that show a finished image's input. */
export function viewRoutes(services: ViewServices): Route[] {
  const { drawings } = services.turns;
  return [
    route(viewOperations.input, async (call) => {
      const { tenant, params, query, request, response } = call;
      assertPosition(query);
      const reading = forCaller(services, call);
      const found = await findImage(reading, tenant, params);
      if (answerNotModified(request, response, [params, query])) return;
      const png = await drawings.run(call, () => drawSeen(reading, found, query));
      response.type('image/png').send(png);
    }),
    route(viewOperations.receptiveField, async (call) => {
      const { tenant, params, query, request, response, signal } = call;
      const reading = forCaller(services, call);
      const found = await findImage(reading, tenant, params);
      if (answerNotModified(request, response, [params, query])) return;
      const png = await drawings.run(call, () => drawReceptiveField(reading, found, query, signal));
      response.type('image/png').send(png);
    }),
    route(viewOperations.activations, async (call) => {
      const { tenant, params, query, request, response, signal } = call;
      const reading = forCaller(services, call);
      const found = await findImage(reading, tenant, params);
      if (answerNotModified(request, response, [params, query])) return;
      const figure = await drawings.run(call, () => drawMaps(reading, found, query, signal));
      sendPage(request, response, figure);
    }),
  ];
}

type FoundImage = {
  readonly model: ModelReference;
  readonly result: ImageResult;
  /** Reads the encoded photo. */
  readonly readPhoto: () => Promise<Buffer>;
};

async function drawSeen(
  services: ViewServices,
  { model, result, readPhoto }: FoundImage,
  view: z.output<typeof inputView>,
): Promise<Buffer> {
  const { settings, image } = result;
  const bundle = await describeModel(services.store, model);
  const bytes = await readPhoto();
  return drawInput(services, { name: image.name, bytes, bundle, settings }, view);
}

async function drawReceptiveField(
  services: ViewServices,
  { model, result, readPhoto }: FoundImage,
  view: z.output<typeof fieldView>,
  signal: AbortSignal,
): Promise<Buffer> {
  const { bundle, layer } = await useStoredNetwork(
    services,
    model,
    { size: result.input, signal },
    async ({ bundle, network }) => ({ bundle, ...findLayer(network.graph, view.layer) }),
  );
  const unit = findUnit(layer, view.unit);
  const photo = await readPhoto();
  const limits = imageLimitsOf(services.config);
  const { frame } = await prepareImage(photo, bundle.input, limits);
  return renderReceptiveField(photo, frame, layer, unit);
}

/** Time that a network may take for one photo, ms. */
const maxDrawingMs = 60_000;

/** Run the network in a process of its own: one that ends it costs the picture alone. */
async function drawMaps(
  { store, config, modelFolders }: ViewServices,
  { model, result, readPhoto }: FoundImage,
  { layer, ...view }: z.output<typeof activationsView>,
  signal: AbortSignal,
): Promise<FigurePage> {
  const folder = await modelFolders.get(model, signal);
  const { input } = await describeModel(store, model);
  const image = await prepareImage(await readPhoto(), input, imageLimitsOf(config));
  const drawn = { layer, photo: result.image.name, view };
  const limits = { deadlineMs: maxDrawingMs, maxBytes: modelMemoryOf(config) };
  return drawActivations(folder, image, drawn, { ...limits, signal });
}

/** Find a finished image's result and photo. @throws {AppError} `not_found` */
async function findImage(
  services: ViewServices,
  tenant: string,
  { job: id, image }: { readonly job: string; readonly image: string },
): Promise<FoundImage> {
  const { store } = services;
  const job = await findJob(services, tenant, id);
  try {
    const key = keys.result(tenant, job.id, image, 'result.json');
    const result = await getJson(store, key, imageResult);
    const readPhoto = () => readItem(services, tenant, job.dataset, result.image);
    return { model: { tenant, ...result.model }, result, readPhoto };
  } catch (error) {
    if (!hasCode(error, 'not_found')) throw error;
    throw await missingResultError(store, { tenant, id: job.id }, image);
  }
}
