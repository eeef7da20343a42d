import { Readable } from 'node:stream';
import { getJson } from '@umbra/platform/store/json';
import { parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { errorReport, imageId } from '@umbra/shared/contracts/dataset';
import { imageResult, mediaTypeOf, resultFile } from '@umbra/shared/contracts/result';
import { hasCode } from '@umbra/shared/errors';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import { imageParams, jobParam } from '../http/params.js';
import {
  redirectQuery,
  redirectToObject,
  type SendingServices,
  sendBody,
  sendObject,
} from '../http/send-object.js';
import { archiveOperations, archiveRoutes } from './archive-routes.js';
import { findJob } from './find-job.js';
import { missingResultError } from './image-state.js';

const imageError = z.strictObject({ id: imageId, error: errorReport });

export const resultOperations = {
  file: operation({
    id: 'getResultFile',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/{file}',
    tag: 'results',
    scope: 'read',
    summary: 'Download a file of a finished image; result.json lists them all',
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
        description: 'A redirect to the store',
        headers: { Location: 'A URL that is valid for some minutes' },
      },
    },
  }),
  ...archiveOperations,
  errors: operation({
    id: 'listErrors',
    method: 'get',
    path: '/v1/jobs/{job}/errors',
    tag: 'results',
    scope: 'read',
    summary: 'List the images that failed, with reasons, as JSON Lines',
    params: jobParam,
    answers: {
      200: { description: 'One line an image', content: { 'application/jsonl': imageError } },
    },
  }),
};

/** Routes of the results of finished images, and of a job's archives and errors. */
export function resultRoutes(services: SendingServices): Route[] {
  const { store } = services;
  return [
    route(resultOperations.file, async (call) => {
      const { tenant, params, query, response } = call;
      const { job: id, image, file } = params;
      const job = await findJob(services, tenant, id);
      const object = {
        key: keys.result(tenant, job.id, image, file),
        mediaType: mediaTypeOf(file),
      };
      try {
        if (query.redirect && (await redirectToObject(services, object, response))) return;
        await sendObject(services, object, call);
      } catch (error) {
        if (!hasCode(error, 'not_found')) throw error;
        throw await missingResultError(store, { tenant, id: job.id }, image);
      }
    }),
    ...archiveRoutes(services),
    route(resultOperations.errors, async ({ tenant, params, response, signal }) => {
      const job = await findJob(services, tenant, params.job);
      response.type('application/jsonl');
      await services.turns.downloads.run({ tenant, signal }, () =>
        sendBody(services.config, Readable.from(listErrors(store, tenant, job.id)), {
          response,
          signal,
        }),
      );
    }),
  ];
}

/** List the failed images, one line each, as they are read from the store. */
async function* listErrors(store: ObjectStore, tenant: string, jobId: string) {
  for await (const { key } of store.list(keys.errors(tenant, jobId))) {
    const error = await getJson(store, key, errorReport);
    const { image: id } = parseKey('error', key);
    yield `${JSON.stringify({ id, error })}\n`;
  }
}
