import { pipeline } from 'node:stream/promises';
import {
  AppError,
  hasCode,
  isResultFile,
  keys,
  mediaTypeOf,
  notFound,
  type ResultFile,
} from '@umbra/shared';
import { type Response, Router } from 'express';
import type { Context } from '../context.js';
import { ProblemError } from '../problems.js';
import { findJob } from './jobs.js';
import { imageIdOf, jobIdOf, tenantOf } from './params.js';
import { missingResult } from './views.js';

export function resultRoutes(context: Context): Router {
  const { store } = context;
  const router = Router();
  router.get('/v1/jobs/:id/images/:image/:file', async (request, response) => {
    const tenant = tenantOf();
    const job = await findJob(context, tenant, jobIdOf(request.params.id));
    const image = imageIdOf(request.params.image);
    const file = fileOf(request.params.file);
    try {
      response.type(mediaTypeOf(file));
      await send(context, keys.result(tenant, job.id, image, file), response);
    } catch (error) {
      if (!hasCode(error, 'not_found')) throw error;
      throw await missingResult(store, tenant, job.id, image);
    }
  });
  router.get('/v1/jobs/:id/archive', async (request, response) => {
    const tenant = tenantOf();
    const job = await findJob(context, tenant, jobIdOf(request.params.id));
    if (job.state === 'failed') {
      throw new AppError('conflict', `Job '${job.id}' failed and has no archive`);
    }
    if (job.state !== 'completed') {
      throw new ProblemError(
        'conflict',
        `Job '${job.id}' is ${job.state}; its archive comes last`,
        {
          headers: { 'Retry-After': '1' },
        },
      );
    }
    response.type('application/zip').attachment(`${job.id}.zip`);
    await send(context, keys.archive(tenant, job.id), response);
  });
  return router;
}

async function send({ store }: Context, key: string, response: Response): Promise<void> {
  const { body, bytes } = await store.stream(key);
  response.set('Content-Length', String(bytes));
  // A client that goes away ends the pipeline early; nobody is left to be told.
  await pipeline(body, response).catch((error: unknown) => {
    if (!response.destroyed) throw error;
  });
}

function fileOf(name: string | undefined): ResultFile {
  if (name !== undefined && isResultFile(name)) return name;
  throw notFound(`Unknown file '${name}'; an image's files are listed in its result.json`);
}
