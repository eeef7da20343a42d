import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { figuresOf } from '@umbra/datasets';
import { deleteDataset } from '@umbra/platform/store/delete';
import {
  archiveRequest,
  archiveUpload,
  dataset,
  datasetItem,
  datasetRequest,
  presignedUpload,
  refusal,
  sourceId,
  uploadRequest,
} from '@umbra/shared/contracts/dataset';
import { AppError } from '@umbra/shared/errors';
import { z } from 'zod';
import { releaseQuietly } from '../auth/release-usage.js';
import { operation, type Route, route } from '../http/operation.js';
import { datasetParam } from '../http/params.js';
import { listItems, pageQuery } from '../jobs/list-images.js';
import type { ApiServices } from '../services.js';
import { addImages } from './add-images.js';
import { closeDataset } from './close-dataset.js';
import { createOfManifest, createOfRequest, createOfUpload } from './create-dataset.js';
import { findDataset, findOpen } from './find-dataset.js';
import { datasetsPage, listDatasets, listRefusals } from './list-datasets.js';
import { imageBodies } from './receive-images.js';
import { appendPart, beginArchive, dropArchive, findArchive, presignUploads } from './uploads.js';

const tag = 'datasets';
const path = '/v1/datasets/{dataset}';
const pollSeconds = '1';

const bodies = { ...imageBodies, 'application/jsonl': 'bytes' } as const;
const withRefusals = dataset.extend({
  /** The first hundred of this request's; `refusals` of the dataset lists all. */
  refusals: z.array(refusal),
});
const added = withRefusals.extend({
  /** Images that this request gave, those among them that were there already included. */
  added: z.int().min(0),
});
/** Whether an image's label is the name of the folder that it lies in. */
const labelling = z.strictObject({ labels: z.enum(['folder']).optional() });
const one = { 'application/json': dataset } as const;
const validating = {
  description: 'Its images are being looked at by a worker: poll it',
  content: one,
  headers: { Location: 'The dataset', 'Retry-After': 'Seconds to wait before asking' },
} as const;
const archiveParams = { ...datasetParam, archive: sourceId };
const archiveAnswer = {
  description: 'How much has come',
  content: { 'application/json': archiveUpload },
  headers: { 'Upload-Offset': 'Bytes that have come', 'Upload-Length': 'Bytes of the archive' },
} as const;

const page = <T extends z.ZodType>(item: T) => ({
  200: {
    description: 'A page',
    content: {
      'application/json': z.strictObject({
        data: z.array(item),
        next_cursor: z.string().nullable(),
      }),
    },
  },
});

export const datasetOperations = {
  create: operation({
    id: 'createDataset',
    ...{ method: 'post', path: '/v1/datasets', tag, scope: 'submit' },
    summary: 'Make a dataset; bad files are refused one by one, with reasons',
    description:
      'Of images: one request, and it is ready. Of JSON without a source: it is open, and takes images until it is closed. ' +
      'Of a source or a manifest: a worker looks at the images where they lie.',
    query: labelling,
    body: datasetRequest,
    streams: bodies,
    answers: {
      201: {
        description: 'Made: ready, or open',
        content: { 'application/json': withRefusals },
        headers: { Location: 'The dataset' },
      },
      202: validating,
    },
    problems: ['too_large', 'unsupported_media_type', 'forbidden', 'quota_exceeded'],
  }),
  list: operation({
    id: 'listDatasets',
    ...{ method: 'get', path: '/v1/datasets', tag, scope: 'read' },
    summary: 'Datasets in pages, the oldest first',
    query: datasetsPage,
    answers: page(dataset),
  }),
  get: operation({
    id: 'getDataset',
    ...{ method: 'get', path, tag, scope: 'read' },
    summary: 'What a dataset holds, or has taken in so far',
    params: datasetParam,
    answers: { 200: { description: 'The dataset', content: one } },
  }),
  images: operation({
    id: 'listDatasetImages',
    ...{ method: 'get', path: `${path}/images`, tag, scope: 'read' },
    summary: 'The images of a dataset that is ready, in pages',
    params: datasetParam,
    query: pageQuery,
    answers: page(datasetItem),
    problems: ['conflict'],
  }),
  refusals: operation({
    id: 'listRefusals',
    ...{ method: 'get', path: `${path}/refusals`, tag, scope: 'read' },
    summary: 'The files that were refused, and why, as JSON Lines',
    params: datasetParam,
    answers: {
      200: { description: 'A line a file', content: { 'application/jsonl': refusal } },
    },
  }),
  add: operation({
    id: 'addImages',
    ...{ method: 'post', path: `${path}/images`, tag, scope: 'submit' },
    summary: 'Add images to an open dataset',
    description:
      'What has come of a request that breaks off is kept; the same file sent again counts once.',
    params: datasetParam,
    query: labelling,
    streams: bodies,
    answers: { 200: { description: 'Added', content: { 'application/json': added } } },
    problems: ['conflict', 'too_large', 'unsupported_media_type', 'quota_exceeded'],
  }),
  close: operation({
    id: 'closeDataset',
    ...{ method: 'post', path: `${path}/close`, tag, scope: 'submit' },
    summary: 'End an open dataset, which then never changes; safe to repeat',
    params: datasetParam,
    answers: { 200: { description: 'Ready', content: one }, 202: validating },
    problems: ['conflict'],
  }),
  presign: operation({
    id: 'presignUploads',
    ...{ method: 'post', path: `${path}/uploads`, tag, scope: 'submit' },
    summary: 'URLs under which a client sends images of an open dataset straight to S3',
    params: datasetParam,
    body: uploadRequest,
    bodyBytes: 4 * 1024 * 1024,
    answers: {
      201: {
        description: 'One a file, in the order asked for; the URLs hold for six hours',
        content: { 'application/json': z.strictObject({ uploads: z.array(presignedUpload) }) },
      },
    },
    problems: ['conflict', 'too_large', 'unprocessable', 'quota_exceeded'],
  }),
  beginArchive: operation({
    id: 'beginArchive',
    ...{ method: 'post', path: `${path}/archives`, tag, scope: 'submit' },
    summary: 'Begin to send a large archive in parts to an open dataset',
    params: datasetParam,
    body: archiveRequest,
    answers: {
      201: { ...archiveAnswer, headers: { ...archiveAnswer.headers, Location: 'The archive' } },
    },
    problems: ['conflict', 'too_large', 'quota_exceeded'],
  }),
  getArchive: operation({
    id: 'getArchiveUpload',
    ...{ method: 'get', path: `${path}/archives/{archive}`, tag, scope: 'submit' },
    summary: 'How much of an archive has come; HEAD says so in headers',
    params: archiveParams,
    answers: { 200: archiveAnswer },
  }),
  appendArchive: operation({
    id: 'appendArchive',
    ...{ method: 'patch', path: `${path}/archives/{archive}`, tag, scope: 'submit' },
    summary: 'Send a part of an archive; what has come of a request that breaks off is kept',
    params: archiveParams,
    headers: { 'Upload-Offset': z.string().regex(/^\d{1,15}$/) },
    streams: { 'application/offset+octet-stream': 'bytes' },
    answers: {
      204: { description: 'Taken', headers: { 'Upload-Offset': 'Where the next part begins' } },
    },
    problems: ['conflict', 'too_large', 'unsupported_media_type'],
  }),
  deleteArchive: operation({
    id: 'deleteArchiveUpload',
    ...{ method: 'delete', path: `${path}/archives/{archive}`, tag, scope: 'submit' },
    summary: 'Leave out an archive of an open dataset',
    params: archiveParams,
    answers: { 204: { description: 'Gone' } },
    problems: ['conflict'],
  }),
  delete: operation({
    id: 'deleteDataset',
    ...{ method: 'delete', path, tag, scope: 'submit' },
    summary: 'Delete a dataset that no job reads, with its images; results of jobs stay',
    params: datasetParam,
    answers: { 204: { description: 'Gone' } },
    problems: ['conflict'],
  }),
};

export function datasetRoutes(context: ApiServices): Route[] {
  const { store } = context;
  return [
    route(datasetOperations.create, async ({ tenant, query, body, request, response }) => {
      const labels = query.labels ?? null;
      if (request.is('application/json') || request.is('application/jsonl')) {
        const made = request.is('application/json')
          ? await createOfRequest(context, tenant, { labels: query.labels, ...body })
          : await createOfManifest(context, tenant, labels, request);
        response.location(`/v1/datasets/${made.id}`);
        if (made.state === 'open') response.status(201).json({ ...made, refusals: [] });
        else response.status(202).set('Retry-After', pollSeconds).json(made);
        return;
      }
      const made = await createOfUpload(context, tenant, labels, request);
      response.status(201).location(`/v1/datasets/${made.dataset.id}`);
      response.json({ ...made.dataset, refusals: made.refusals });
    }),
    route(datasetOperations.list, async ({ tenant, query, response }) => {
      response.json(await listDatasets(store, tenant, query));
    }),
    route(datasetOperations.get, async ({ tenant, params, response }) => {
      const found = await findDataset(context, tenant, params.dataset);
      if (found.state === 'validating') response.set('Retry-After', pollSeconds);
      response.json(await figuresOf(store, tenant, found));
    }),
    route(datasetOperations.images, async ({ tenant, params, query, response }) => {
      const { id, state } = await findDataset(context, tenant, params.dataset);
      if (state !== 'ready') {
        throw new AppError('conflict', `Dataset '${id}' is ${state}: it has no list of images yet`);
      }
      response.json(await listItems(context, tenant, id, query));
    }),
    route(datasetOperations.refusals, async ({ tenant, params, response }) => {
      const found = await findDataset(context, tenant, params.dataset);
      response.type('application/jsonl');
      await pipeline(Readable.from(listRefusals(store, tenant, found)), response);
    }),
    route(datasetOperations.add, async ({ tenant, params, query, request, response }) => {
      const open = await findOpen(context, tenant, params.dataset);
      const tally = await addImages(context, tenant, open, query.labels ?? null, request);
      const figures = await figuresOf(store, tenant, open);
      response.json({ ...figures, added: tally.images, refusals: tally.refusals });
    }),
    route(datasetOperations.close, async ({ tenant, params, response }) => {
      const found = await findDataset(context, tenant, params.dataset);
      const closed = await closeDataset(context, tenant, found);
      if (closed.state === 'validating') {
        response.status(202).location(`/v1/datasets/${closed.id}`).set('Retry-After', pollSeconds);
      }
      response.json(await figuresOf(store, tenant, closed));
    }),
    route(datasetOperations.presign, async ({ tenant, params, body, response }) => {
      const { id } = await findOpen(context, tenant, params.dataset);
      const uploads = await presignUploads(context, tenant, id, body.files);
      response.status(201).json({ uploads });
    }),
    ...archiveRoutes(context),
    route(datasetOperations.delete, async ({ tenant, params, response }) => {
      const found = await findDataset(context, tenant, params.dataset);
      await deleteDataset(store, tenant, found);
      await releaseQuietly(context.usage.releaseDataset(tenant, found.id));
      response.status(204).end();
    }),
  ];
}

/** A large archive, in parts. */
function archiveRoutes(context: ApiServices): Route[] {
  return [
    route(datasetOperations.beginArchive, async ({ tenant, params, body, response }) => {
      const { id } = await findOpen(context, tenant, params.dataset);
      const upload = await beginArchive(context, tenant, id, body);
      response
        .status(201)
        .location(`/v1/datasets/${id}/archives/${upload.id}`)
        .set({ 'Upload-Offset': '0', 'Upload-Length': String(upload.bytes) })
        .json(upload);
    }),
    route(datasetOperations.getArchive, async ({ tenant, params, response }) => {
      const { id } = await findDataset(context, tenant, params.dataset);
      const upload = await findArchive(context, tenant, id, params.archive);
      response
        .set({ 'Upload-Offset': String(upload.offset), 'Upload-Length': String(upload.bytes) })
        .set('Cache-Control', 'no-store')
        .json(upload);
    }),
    route(datasetOperations.appendArchive, async ({ tenant, params, request, response }) => {
      if (!request.is('application/offset+octet-stream')) {
        throw new AppError(
          'unsupported_media_type',
          `Expected Content-Type application/offset+octet-stream, got ${request.get('content-type') ?? 'none'}`,
        );
      }
      const { id } = await findOpen(context, tenant, params.dataset);
      const upload = await findArchive(context, tenant, id, params.archive);
      const offset = await appendPart(context, tenant, id, upload, request);
      response.status(204).set('Upload-Offset', String(offset)).end();
    }),
    route(datasetOperations.deleteArchive, async ({ tenant, params, response }) => {
      const { id } = await findOpen(context, tenant, params.dataset);
      const { id: archive } = await findArchive(context, tenant, id, params.archive);
      await dropArchive(context, tenant, id, archive);
      response.status(204).end();
    }),
  ];
}
