import { listModels } from '@umbra/platform/store/models';
import { modelSummary } from '@umbra/shared/contracts/model';
import { workerNotice } from '@umbra/shared/contracts/worker';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import type { ApiServices } from '../services.js';

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
        content: { 'application/json': z.strictObject({ data: z.array(modelSummary) }) },
      },
    },
  }),
  workers: operation({
    id: 'listWorkers',
    method: 'get',
    path: '/v1/workers',
    tag: 'service',
    scope: 'read',
    summary: 'List the live workers, with the model formats that they run',
    answers: {
      200: {
        description: 'Workers with a recent heartbeat',
        content: { 'application/json': z.strictObject({ data: z.array(workerNotice) }) },
      },
    },
  }),
};

/** Routes of the models that can be run and of the workers that run them. */
export function modelRoutes({
  store,
  workerRegistry,
}: Pick<ApiServices, 'store' | 'workerRegistry'>): Route[] {
  return [
    route(modelOperations.list, async ({ response }) => {
      response.json({ data: await listModels(store) });
    }),
    route(modelOperations.workers, async ({ response }) => {
      response.json({ data: await workerRegistry.list() });
    }),
  ];
}
