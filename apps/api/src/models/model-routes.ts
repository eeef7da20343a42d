import { findModel, listDigests, listModels, readModelFacts } from '@umbra/platform/store/models';
import { listedModel, type ModelDetail, modelDetail } from '@umbra/shared/contracts/model';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import { modelParam } from '../http/params.js';
import type { ApiServices } from '../services.js';
import { liftSetAside, readSetAside } from './set-aside.js';

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
      200: { description: 'The model', content: { 'application/json': modelDetail } },
    },
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
export function modelRoutes({
  store,
  losses,
  logger,
}: Pick<ApiServices, 'store' | 'losses' | 'logger'>): Route[] {
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
      const model = await findModel(store, { tenant, name: params.model });
      const [facts, setAside] = await Promise.all([
        readModelFacts(store, { tenant, ...model }),
        readSetAside(losses),
      ]);
      const aside = setAside.get(model.digest)?.aside ?? null;
      response.json({ ...model, ...facts, setAside: aside } satisfies ModelDetail);
    }),
    route(modelOperations.retry, async ({ tenant, params, response }) => {
      const model = await findModel(store, { tenant, name: params.model });
      const digests = await listDigests(store, { tenant, ...model });
      for (const digest of await liftSetAside(losses, digests)) {
        logger.info({ model: model.name, digest }, 'model runs again');
      }
      response.json({ ...model, setAside: null });
    }),
  ];
}
