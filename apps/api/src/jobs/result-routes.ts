import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { getJson } from '@umbra/platform/store/json';
import { parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import { errorReport, imageId } from '@umbra/shared/contracts/dataset';
import { imageResult, mediaTypeOf, resultFile } from '@umbra/shared/contracts/result';
import { hasCode } from '@umbra/shared/errors';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import { imageParams, jobParam } from '../http/params.js';
import { redirectQuery, redirectToObject, sendObject } from '../http/send-object.js';
import type { ApiServices } from '../services.js';
import { archiveOperations, archiveRoutes } from './archive-routes.js';
import { findJob } from './job-routes.js';
import { missingResult } from './view-routes.js';

const imageError = z.strictObject({ id: imageId, error: errorReport });

export const resultOperations = {
  file: operation({
    id: 'getResultFile',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/{file}',
    ...{ tag: 'results', scope: 'read' },
    summary: 'A file of a finished image; result.json lists them all',
    params: { ...imageParams, file: resultFile },
    query: redirectQuery,
    answers: {
      200: {
        description: 'The file',
        content: {
          'application/json': imageResult,
          'image/png': 'bytes',
          'image/webp': 'bytes',
          'application/octet-stream': 'bytes',
        },
      },
      302: {
        description: 'Where the store has it',
        headers: { Location: 'A URL for some minutes' },
      },
    },
  }),
  ...archiveOperations,
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

export function resultRoutes(context: ApiServices): Route[] {
  return [
    route(resultOperations.file, async ({ tenant, params, query, request, response }) => {
      const { job: id, image, file } = params;
      const job = await findJob(context, tenant, id);
      const object = {
        key: keys.result(tenant, job.id, image, file),
        mediaType: mediaTypeOf(file),
      };
      try {
        if (query.redirect && (await redirectToObject(context, object, response))) return;
        await sendObject(context, object, { request, response });
      } catch (error) {
        if (!hasCode(error, 'not_found')) throw error;
        throw await missingResult(context.store, tenant, job.id, image);
      }
    }),
    ...archiveRoutes(context),
    route(resultOperations.errors, async ({ tenant, params, response }) => {
      const job = await findJob(context, tenant, params.job);
      response.type('application/jsonl');
      await pipeline(Readable.from(listErrors(context, tenant, job.id)), response);
    }),
  ];
}

/** One line an image that failed, as they are stored. */
async function* listErrors({ store }: ApiServices, tenant: string, jobId: string) {
  for await (const { key } of store.list(keys.errors(tenant, jobId))) {
    const error = await getJson(store, key, errorReport);
    const { image: id } = parseKey('error', key);
    yield `${JSON.stringify({ id, error })}\n`;
  }
}
