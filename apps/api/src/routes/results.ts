import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  AppError,
  errorReport,
  getJson,
  hasCode,
  isResultFile,
  keys,
  mediaTypeOf,
  notFound,
  type ResultFile,
} from '@umbra/shared';
import { type Request, type Response, Router } from 'express';
import type { Context } from '../context.js';
import { ProblemError } from '../problems.js';
import { rangeOf } from '../ranges.js';
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
    if (job.state !== 'completed' && job.state !== 'cancelled') {
      throw new ProblemError(
        'conflict',
        `Job '${job.id}' is ${job.state}; its archive comes last`,
        {
          headers: { 'Retry-After': '1' },
        },
      );
    }
    response.type('application/zip').attachment(`${job.id}.zip`);
    const ended = job.completedAt ?? job.cancelledAt ?? '';
    await sendRange(context, keys.archive(tenant, job.id), `"${job.id}-${Date.parse(ended)}"`, {
      request,
      response,
    });
  });
  router.get('/v1/jobs/:id/errors', async (request, response) => {
    const tenant = tenantOf();
    const job = await findJob(context, tenant, jobIdOf(request.params.id));
    response.type('application/jsonl');
    await pipeline(Readable.from(listErrors(context, tenant, job.id)), response);
  });
  return router;
}

/** Send an object, or the part of it that is asked for: a download that broke off goes on. */
async function sendRange(
  { store }: Context,
  key: string,
  etag: string,
  { request, response }: { readonly request: Request; readonly response: Response },
): Promise<void> {
  const bytes = (await store.head(key))?.bytes;
  if (bytes === undefined) throw notFound('The archive is gone');
  const range = rangeOf(request, bytes, etag);
  const { start, end } = range ?? { start: 0, end: bytes };
  const { body } = await store.stream(key, { start, end });
  response.set({ 'Accept-Ranges': 'bytes', ETag: etag, 'Content-Length': String(end - start) });
  if (range !== null) {
    response.status(206).set('Content-Range', `bytes ${start}-${end - 1}/${bytes}`);
  }
  await sendBody(body, response);
}

/** One line an image that failed, as they are stored. */
async function* listErrors({ store }: Context, tenant: string, jobId: string) {
  for await (const { key } of store.list(keys.errors(tenant, jobId))) {
    const error = await getJson(store, key, errorReport);
    const id = key.split('/').at(-1)?.replace('.json', '');
    yield `${JSON.stringify({ id, error })}\n`;
  }
}

async function send({ store }: Context, key: string, response: Response): Promise<void> {
  const { body, bytes } = await store.stream(key);
  response.set('Content-Length', String(bytes));
  await sendBody(body, response);
}

async function sendBody(body: Readable, response: Response): Promise<void> {
  // A client that goes away ends the pipeline early; nobody is left to be told.
  await pipeline(body, response).catch((error: unknown) => {
    if (!response.destroyed) throw error;
  });
}

function fileOf(name: string | undefined): ResultFile {
  if (name !== undefined && isResultFile(name)) return name;
  throw notFound(`Unknown file '${name}'; an image's files are listed in its result.json`);
}
