import { listModels } from '@umbra/shared';
import { Router } from 'express';
import type { Context } from '../context.js';

export function modelRoutes({ store, fleet }: Context): Router {
  const router = Router();
  router.get('/v1/models', async (_request, response) => {
    response.json({ data: await listModels(store) });
  });
  router.get('/v1/workers', async (_request, response) => {
    response.json({ data: await fleet.list() });
  });
  return router;
}
