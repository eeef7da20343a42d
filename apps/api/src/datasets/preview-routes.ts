import { inputSize, resolveRun } from '@umbra/engine';
import { jobRequest } from '@umbra/shared/contracts/job';
import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import type { OcclusionPlan } from '@umbra/shared/occlusion/plan';
import { z } from 'zod';
import { forCaller } from '../http/for-caller.js';
import { answerNotModified } from '../http/not-modified.js';
import { operation, type Route, route } from '../http/operation.js';
import { photoParams } from '../http/params.js';
import { pictureAnswers } from '../http/pictures.js';
import { assertPosition, drawInput, inputView } from '../jobs/draw-input.js';
import { findRunnable, type RunnableModel } from '../jobs/find-runnable.js';
import { describeGeometry, geometryAnswers } from '../jobs/geometry-routes.js';
import { parseSettings, settingsText } from '../jobs/settings-text.js';
import type { ApiServices } from '../services.js';
import { type DatasetPhoto, findPhoto } from './find-photo.js';

/** What a job would be asked for. */
const previewQuery = z.strictObject({ model: jobRequest.shape.model, settings: settingsText });

const preview = {
  method: 'get',
  tag: 'datasets',
  scope: 'read',
  description: 'Settings that no job of the model could have are refused, as by `createJob`.',
  params: photoParams,
} as const;

export const previewOperations = {
  geometry: operation({
    ...preview,
    id: 'previewGeometry',
    path: '/v1/datasets/{dataset}/images/{image}/geometry',
    summary: 'Get where the cells of an image would lie on the photo, before there is a job',
    query: previewQuery,
    answers: geometryAnswers,
    problems: ['conflict'],
  }),
  input: operation({
    ...preview,
    id: 'previewInput',
    path: '/v1/datasets/{dataset}/images/{image}/input.png',
    summary:
      "Draw the model's input before there is a job; with row and column, with the patch there",
    query: previewQuery.extend(inputView.shape),
    answers: pictureAnswers,
    problems: ['conflict', 'forbidden', 'unprocessable'],
  }),
};

type PreviewServices = Pick<ApiServices, 'store' | 'sources' | 'config' | 'losses' | 'turns'>;

/** Routes that show what settings mean for a photo, before a job is made of them. */
export function previewRoutes(services: PreviewServices): Route[] {
  return [
    route(previewOperations.geometry, async (call) => {
      const { tenant, params, query, response } = call;
      const reading = forCaller(services, call);
      const { photo, model, plan } = await findPreview(reading, tenant, { ...params, ...query });
      const { id, height, width } = photo.item;
      const placed = { id, photo: { height, width }, input: model.bundle.input };
      response.json(describeGeometry(placed, plan));
    }),
    route(previewOperations.input, async (call) => {
      const { tenant, params, query, request, response, signal } = call;
      assertPosition(query);
      const reading = forCaller(services, call);
      const found = await findPreview(reading, tenant, { ...params, ...query });
      const { photo, model, settings } = found;
      if (answerNotModified(request, response, [params, query, model.digest])) return;
      const png = await services.turns.drawings.run(call, async () => {
        const bytes = await photo.readBytes();
        signal.throwIfAborted();
        const seen = { name: photo.item.name, bytes, bundle: model.bundle, settings };
        return drawInput(services, seen, query);
      });
      response.type('image/png').send(png);
    }),
  ];
}

type PreviewWish = z.output<typeof previewQuery> & {
  readonly dataset: string;
  readonly image: string;
};

/** A photo, and the positions that a job of the model and the settings would have on it. */
type Preview = {
  readonly photo: DatasetPhoto;
  readonly model: RunnableModel;
  readonly settings: OcclusionSettings;
  readonly plan: OcclusionPlan;
};

async function findPreview(
  services: PreviewServices,
  tenant: string,
  { dataset, image, model: name, settings: text }: PreviewWish,
): Promise<Preview> {
  const wish = { dataset, model: name, settings: parseSettings(text) };
  const { settings } = jobRequest.parse(wish);
  const photo = await findPhoto(services, tenant, { dataset, image });
  const model = await findRunnable(services, { tenant, name });
  const { bundle, limits } = model;
  const { plan } = resolveRun(settings, bundle, inputSize(bundle.input, photo.item), limits);
  return { photo, model, settings, plan };
}
