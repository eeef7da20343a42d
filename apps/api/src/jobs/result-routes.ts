import { Readable } from 'node:stream';
import { getJson } from '@umbra/platform/store/json';
import { parseKey } from '@umbra/platform/store/key-layout';
import { keys } from '@umbra/platform/store/keys';
import type { ObjectStore } from '@umbra/platform/store/store';
import { errorReport, imageId } from '@umbra/shared/contracts/dataset';
import { imageResult, resultFile } from '@umbra/shared/contracts/result';
import { z } from 'zod';
import { forCaller } from '../http/for-caller.js';
import { operation, type Route, route } from '../http/operation.js';
import { imageParams, jobParam } from '../http/params.js';
import { rangeHeaders, redirectQuery, sendBody } from '../http/send-object.js';
import { archiveOperations, archiveRoutes } from './archive-routes.js';
import { findJob } from './find-job.js';
import { type FileServices, sendFile } from './send-file.js';

const imageError = z.strictObject({ id: imageId, error: errorReport });

const drawn = {
  'image/png': 'bytes',
  'image/webp': 'bytes',
  'application/octet-stream': 'bytes',
} as const;
const headers = {
  ETag: 'Entity tag of a file that is drawn, for If-None-Match and If-Range',
} as const;

export const resultOperations = {
  file: operation({
    id: 'getResultFile',
    method: 'get',
    path: '/v1/jobs/{job}/images/{image}/{file}',
    tag: 'results',
    scope: 'read',
    summary: 'Download a file of a finished image; result.json lists them all',
    description:
      'A file that the job does not store is drawn from its scores: the same bytes as if it had been stored.',
    params: { ...imageParams, file: resultFile },
    query: redirectQuery,
    headers: rangeHeaders,
    answers: {
      200: {
        description: 'The file',
        content: { 'application/json': imageResult, ...drawn },
        headers,
      },
      206: { description: 'The requested range of a file that is drawn', content: drawn, headers },
      304: { description: 'The client has it already' },
      302: {
        description: 'A redirect to the store',
        headers: { Location: 'A URL that is valid for some minutes' },
      },
    },
    problems: ['range_not_satisfiable', 'too_large'],
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
export function resultRoutes(services: FileServices): Route[] {
  return [
    route(resultOperations.file, async (call) => {
      const { tenant, params, query } = call;
      const { image, file } = params;
      const reading = forCaller(services, call);
      const job = await findJob(reading, tenant, params.job);
      await sendFile(reading, { job, image, file, redirect: query.redirect }, call);
    }),
    ...archiveRoutes(services),
    route(resultOperations.errors, async (call) => {
      const { tenant, params, response, signal } = call;
      const { store } = forCaller(services, call);
      const job = await findJob({ store }, tenant, params.job);
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
