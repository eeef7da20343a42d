import { createWriteStream } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Readable, Transform } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { AppError, dataset, getJson, hasCode, keys, notFound } from '@umbra/shared';
import { type Request, Router } from 'express';
import type { Context } from '../context.js';
import { deleteDataset } from '../delete.js';
import { createCollector } from '../uploads/collector.js';
import { collectMultipart } from '../uploads/multipart.js';
import { collectZip } from '../uploads/zip.js';
import { datasetIdOf, tenantOf } from './params.js';

export function datasetRoutes(context: Context): Router {
  const router = Router();
  router.post('/v1/datasets', async (request, response) => {
    const created = await receiveDataset(context, request);
    response.status(201).location(`/v1/datasets/${created.dataset.id}`);
    response.json({ ...created.dataset, refusals: created.refusals });
  });
  router.get('/v1/datasets/:id', async (request, response) => {
    response.json(await findDataset(context, datasetIdOf(request.params.id)));
  });
  router.delete('/v1/datasets/:id', async (request, response) => {
    const { id } = await findDataset(context, datasetIdOf(request.params.id));
    await deleteDataset(context.store, tenantOf(), id);
    response.status(204).end();
  });
  return router;
}

/** @throws {AppError} `not_found` */
async function findDataset({ store }: Context, id: string) {
  try {
    return await getJson(store, keys.dataset(tenantOf(), id), dataset);
  } catch (error) {
    throw hasCode(error, 'not_found') ? notFound(`Unknown dataset '${id}'`) : error;
  }
}

async function receiveDataset(context: Context, request: Request) {
  const { config } = context;
  const limit = config.UMBRA_MAX_UPLOAD_BYTES;
  assertMediaType(request);
  if (Number(request.get('content-length') ?? 0) > limit) throw tooLarge(limit);
  const folder = await mkdtemp(join(tmpdir(), 'umbra-upload-'));
  try {
    const collector = createCollector(context, tenantOf(), folder);
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
