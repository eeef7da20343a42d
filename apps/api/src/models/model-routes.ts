import { findModel, listDigests, listModels, readModelFacts } from '@umbra/platform/store/models';
import { listedModel, type ModelDetail, modelDetail } from '@umbra/shared/contracts/model';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import { modelParam } from '../http/params.js';
import type { ApiServices } from '../services.js';
import { deleteUnused } from './delete-unused.js';
import { assertForm, modelForm } from './receive-model.js';
import { liftSetAside, readSetAside } from './set-aside.js';
import { type UploadModelServices, uploadModel } from './upload-model.js';

const one = { 'application/json': modelDetail } as const;

export const modelOperations = {
  list: operation({
    id: 'listModels',
    method: 'get',
    path: '/v1/models',
    tag: 'models',
    scope: 'read',
    summary: 'List the models that can be run',
    answers: {
      200: {
        description: 'Every model',
        content: { 'application/json': z.strictObject({ data: z.array(listedModel) }) },
      },
    },
  }),
  show: operation({
    id: 'getModel',
    method: 'get',
    path: '/v1/models/{model}',
    tag: 'models',
    scope: 'read',
    summary: 'Get a model: how photos become its input, how many classes it has',
    params: modelParam,
    answers: {
      200: { description: 'The model', content: one },
    },
  }),
  upload: operation({
    id: 'uploadModel',
    method: 'post',
    path: '/v1/models',
    tag: 'models',
    scope: 'admin',
    summary: 'Upload an ONNX model, which is checked before it can be used',
    description:
      "Only its tenant sees and uses it. The answer comes once the model is checked, in a process of its own: digests, forward passes, and that every strategy gives the same. The same content again is not checked again. A model of the same name is replaced; jobs keep the version that they were made with. A name of the service's own models is refused.",
    streams: { 'multipart/form-data': modelForm },
    answers: {
      200: { description: 'The tenant had it already', content: one },
      201: {
        description: 'Checked, and ready for jobs',
        content: one,
        headers: { Location: 'The model' },
      },
    },
    problems: [
      'conflict',
      'too_large',
      'unsupported_media_type',
      'unprocessable',
      'quota_exceeded',
    ],
  }),
  delete: operation({
    id: 'deleteModel',
    method: 'delete',
    path: '/v1/models/{model}',
    tag: 'models',
    scope: 'admin',
    summary: 'Delete an uploaded model that no unfinished job runs, with all of its versions',
    description:
      'Results of its jobs stay; what is drawn from the model itself, as its layers and what no job stored, is gone.',
    params: modelParam,
    answers: { 204: { description: 'Deleted' } },
    problems: ['conflict'],
  }),
  retry: operation({
    id: 'retryModel',
    method: 'post',
    path: '/v1/models/{model}/retry',
    tag: 'models',
    scope: 'admin',
    summary: 'Run a model again that was set aside',
    description:
      'A model is set aside when the processes that run it end at several images one after another: its jobs end as failed, and new ones are refused. Earlier models of the name run again as well, for jobs that still name them. Does nothing to a model that is not set aside.',
    params: modelParam,
    answers: {
      200: { description: 'The model', content: { 'application/json': listedModel } },
    },
  }),
};

/** Routes of the models that can be run. */
export function modelRoutes(services: UploadModelServices & Pick<ApiServices, 'losses'>): Route[] {
  const { store, losses, logger, turns } = services;
  const detailOf = async (tenant: string, name: string): Promise<ModelDetail> => {
    const model = await findModel(store, { tenant, name });
    const [facts, setAside] = await Promise.all([
      readModelFacts(store, { tenant, ...model }),
      readSetAside(losses),
    ]);
    return { ...model, ...facts, setAside: setAside.get(model.digest)?.aside ?? null };
  };
  return [
    route(modelOperations.list, async ({ tenant, response }) => {
      const [models, setAside] = await Promise.all([
        listModels(store, tenant),
        readSetAside(losses),
      ]);
      const data = models.map((model) => ({
        ...model,
        setAside: setAside.get(model.digest)?.aside ?? null,
      }));
      response.json({ data });
    }),
    route(modelOperations.show, async ({ tenant, params, response }) => {
      response.json(await detailOf(tenant, params.model));
    }),
    route(modelOperations.upload, async (call) => {
      const { tenant, request, response } = call;
      assertForm(request);
      const { name, isKnown } = await turns.models.run(call, () => uploadModel(services, call));
      if (!isKnown) response.status(201).location(`/v1/models/${name}`);
      response.json(await detailOf(tenant, name));
    }),
    route(modelOperations.delete, async (call) => {
      const { tenant, params, response } = call;
      const model = { tenant, name: params.model };
      // In turn: an upload of the name would write what this deletes.
      await turns.models.run(call, () => deleteUnused(store, model));
      logger.info(model, 'model deleted');
      response.status(204).end();
    }),
    route(modelOperations.retry, async ({ tenant, params, response }) => {
      const model = await findModel(store, { tenant, name: params.model });
      const digests = await listDigests(store, { tenant, ...model });
      // A name of the service's is nobody else's; tenants may have a name in common.
      const name = model.scope === 'service' ? model.name : undefined;
      for (const digest of await liftSetAside(losses, digests, name)) {
        logger.info({ model: model.name, digest }, 'model runs again');
      }
      response.json({ ...model, setAside: null });
    }),
  ];
}
