import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  AppError,
  errorReport,
  getJson,
  hasCode,
  imageId,
  imageResult,
  isFinal,
  keys,
  mediaTypeOf,
  notFound,
  resultFile,
} from '@umbra/shared';
import type { Request, Response } from 'express';
import { z } from 'zod';
import type { Context } from '../context.js';
import { operation, type Route, route } from '../operation.js';
import { ProblemError } from '../problems.js';
import { rangeOf } from '../ranges.js';
import { findJob } from './jobs.js';
import { imageParams, jobParam } from './params.js';
import { missingResult } from './views.js';

const imageError = z.strictObject({ id: imageId, error: errorReport });

export const resultOperations = {
  file: operation({
    id: 'getResultFile',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/{file}',
    ...{ tag: 'results', scope: 'read' },
    summary: 'A file of a finished image; result.json lists them all',
    params: { ...imageParams, file: resultFile },
    answers: {
      200: {
        description: 'The file',
        content: {
          'application/json': imageResult,
          'image/png': 'bytes',
          'application/octet-stream': 'bytes',
        },
      },
    },
  }),
  archive: operation({
    id: 'getArchive',
    ...{ method: 'get', path: '/v1/jobs/{job}/archive', tag: 'results', scope: 'read' },
    summary: 'A zip of everything, with digests and provenance',
    params: jobParam,
    headers: { Range: z.string().optional(), 'If-Range': z.string().optional() },
    answers: {
      200: { description: 'All of it', content: { 'application/zip': 'bytes' } },
      206: { description: 'The part asked for', content: { 'application/zip': 'bytes' } },
    },
    problems: ['conflict', 'range_not_satisfiable'],
  }),
  errors: operation({
    id: 'listErrors',
    ...{ method: 'get', path: '/v1/jobs/{job}/errors', tag: 'results', scope: 'read' },
    summary: 'The images that failed, and why, as JSON Lines',
    params: jobParam,
    answers: {
      200: { description: 'A line an image', content: { 'application/jsonl': imageError } },
    },
  }),
};

export function resultRoutes(context: Context): Route[] {
  const { store } = context;
  return [
    route(resultOperations.file, async ({ tenant, params: { job: id, image, file }, response }) => {
      const job = await findJob(context, tenant, id);
      try {
        response.type(mediaTypeOf(file));
        await send(context, keys.result(tenant, job.id, image, file), response);
      } catch (error) {
        if (!hasCode(error, 'not_found')) throw error;
        throw await missingResult(store, tenant, job.id, image);
      }
    }),
    route(resultOperations.archive, async ({ tenant, params, request, response }) => {
      const job = await findJob(context, tenant, params.job);
      if (job.state === 'failed') {
        throw new AppError('conflict', `Job '${job.id}' failed and has no archive`);
      }
      if (!isFinal(job.state)) {
        throw new ProblemError(
          'conflict',
          `Job '${job.id}' is ${job.state}; its archive comes last`,
          { headers: { 'Retry-After': '1' } },
        );
      }
      response.type('application/zip').attachment(`${job.id}.zip`);
      const ended = job.completedAt ?? job.cancelledAt ?? job.expiredAt ?? '';
      await sendRange(context, keys.archive(tenant, job.id), `"${job.id}-${Date.parse(ended)}"`, {
        request,
        response,
      });
    }),
    route(resultOperations.errors, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      response.type('application/jsonl');
      await pipeline(Readable.from(listErrors(context, tenant, job.id)), response);
    }),
  ];
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
