import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import {
  AppError,
  dataset,
  deleteDataset,
  getJson,
  hasCode,
  keys,
  notFound,
  refusal,
  storedDataset,
} from '@umbra/shared';
import type { Request } from 'express';
import { z } from 'zod';
import type { Context } from '../context.js';

import { operation, type Route, route } from '../operation.js';
import { createCollector } from '../uploads/collector.js';
import { collectMultipart } from '../uploads/multipart.js';
import { collectZip } from '../uploads/zip.js';
import { datasetParam } from './params.js';

const uploads = { 'multipart/form-data': 'bytes', 'application/zip': 'bytes' } as const;
const withRefusals = dataset.extend({ refusals: z.array(refusal) });

export const datasetOperations = {
  create: operation({
    id: 'createDataset',
    ...{ method: 'post', path: '/v1/datasets', tag: 'datasets', scope: 'submit' },
    summary: 'Make a dataset of images; bad files are refused one by one, with reasons',
    streams: uploads,
    answers: {
      201: { description: 'Made', content: { 'application/json': withRefusals } },
    },
    problems: ['too_large', 'unsupported_media_type'],
  }),
  get: operation({
    id: 'getDataset',
    ...{ method: 'get', path: '/v1/datasets/{dataset}', tag: 'datasets', scope: 'read' },
    summary: 'What a dataset holds',
    params: datasetParam,
    answers: { 200: { description: 'The dataset', content: { 'application/json': dataset } } },
  }),
  delete: operation({
    id: 'deleteDataset',
    ...{ method: 'delete', path: '/v1/datasets/{dataset}', tag: 'datasets', scope: 'submit' },
    summary: 'Delete a dataset that no job reads, with its images; results of jobs stay',
    params: datasetParam,
    answers: { 204: { description: 'Gone' } },
    problems: ['conflict'],
  }),
};

export function datasetRoutes(context: Context): Route[] {
  return [
    route(datasetOperations.create, async ({ tenant, request, response }) => {
      const created = await receiveDataset(context, tenant, request);
      response.status(201).location(`/v1/datasets/${created.dataset.id}`);
      response.json({ ...created.dataset, refusals: created.refusals });
    }),
    route(datasetOperations.get, async ({ tenant, params, response }) => {
      response.json(await findDataset(context, tenant, params.dataset));
    }),
    route(datasetOperations.delete, async ({ tenant, params, response }) => {
      const { id } = await findDataset(context, tenant, params.dataset);
      await deleteDataset(context.store, tenant, id);
      response.status(204).end();
    }),
  ];
}

/** @throws {AppError} `not_found` */
export async function findDataset({ store }: Context, tenant: string, id: string) {
  try {
    return await getJson(store, keys.dataset(tenant, id), storedDataset);
  } catch (error) {
    throw hasCode(error, 'not_found') ? notFound(`Unknown dataset '${id}'`) : error;
  }
}

async function receiveDataset(context: Context, tenant: string, request: Request) {
  const { config } = context;
  const limit = config.UMBRA_MAX_UPLOAD_BYTES;
  assertMediaType(request);
  if (Number(request.get('content-length') ?? 0) > limit) throw tooLarge(limit);
  const folder = await mkdtemp(join(tmpdir(), 'umbra-upload-'));
  try {
    const collector = createCollector(context, tenant, folder);
    const body = limited(request, limit);
    if (request.is('multipart/form-data')) {
      await collectMultipart(request, body, collector, folder);
    } else {
      const path = join(folder, 'upload.zip');
      await pipeline(body, createWriteStream(path));
      await collectZip(path, collector);
    }
    return await collector.finish();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

function assertMediaType(request: Request): void {
  if (request.is('multipart/form-data') || request.is('application/zip')) return;
  throw new AppError(
    'unsupported_media_type',
    `Expected Content-Type multipart/form-data or application/zip, got ${request.get('content-type') ?? 'none'}`,
  );
}

/** A body without a declared length is counted as it comes. */
function limited(body: Readable, limit: number): Readable {
  let length = 0;
  const meter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      length += chunk.length;
      done(length > limit ? tooLarge(limit) : null, chunk);
    },
  });
  body.on('error', (error) => meter.destroy(error));
  body.on('aborted', () => meter.destroy(new Error('The client went away')));
  return body.pipe(meter);
}

const tooLarge = (limit: number): AppError =>
  new AppError('too_large', `Expected a body of at most ${limit} bytes`);
