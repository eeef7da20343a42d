import { Readable } from 'node:stream';
import { deleteDataset, withTotals } from '@umbra/datasets';
import { dataset, datasetItem, datasetRequest, refusal } from '@umbra/shared/contracts/dataset';
import { AppError } from '@umbra/shared/errors';
import { z } from 'zod';
import { releaseQuietly } from '../auth/release-usage.js';
import { operation, type Route, route } from '../http/operation.js';
import { pageAnswers } from '../http/pages.js';
import { datasetParam } from '../http/params.js';
import { sendBody } from '../http/send-object.js';
import type { ApiServices } from '../services.js';
import { addImages, type UploadServices } from './add-images.js';
import { closeDataset } from './close-dataset.js';
import { createFromManifest, createFromRequest, createFromUpload } from './create-dataset.js';
import { findDataset, findOpenDataset } from './find-dataset.js';
import { datasetsPageQuery, listDatasets, listRefusals } from './list-datasets.js';
import { listItems, manifestPageQuery } from './manifest-pages.js';
import type { IngestQueueServices } from './queue-ingest.js';
import { imageBodies } from './receive-images.js';

const tag = 'datasets';
const path = '/v1/datasets/{dataset}';
const pollSeconds = '1';

const bodies = { ...imageBodies, 'application/jsonl': 'bytes' } as const;
const withRefusals = dataset.extend({
  /** The first hundred refusals of this request; `refusals` of the dataset lists all. */
  refusals: z.array(refusal),
});
const added = withRefusals.extend({
  /** Number of images in this request, including those that the dataset held already. */
  added: z.int().min(0),
});
/** Query that makes the name of its folder an image's label. */
const labelQuery = z.strictObject({ labels: z.enum(['folder']).optional() });
const one = { 'application/json': dataset } as const;
const validating = {
  description: 'A worker is validating its images: poll it',
  content: one,
  headers: { Location: 'The dataset', 'Retry-After': 'Seconds to wait before the next request' },
} as const;

export const datasetOperations = {
  create: operation({
    id: 'createDataset',
    method: 'post',
    path: '/v1/datasets',
    tag,
    scope: 'submit',
    summary: 'Create a dataset; bad files are refused one by one, with reasons',
    description:
      'From images: ready after this one request. From JSON without a source: open, and takes images until it is closed. ' +
      'From a source or a manifest: a worker validates the images where they are stored.',
    query: labelQuery,
    body: datasetRequest,
    streams: bodies,
    answers: {
      201: {
        description: 'Created: ready, or open',
        content: { 'application/json': withRefusals },
        headers: { Location: 'The dataset' },
      },
      202: validating,
    },
    problems: [
      'too_large',
      'unsupported_media_type',
      'forbidden',
      'quota_exceeded',
      'deadline_exceeded',
    ],
  }),
  list: operation({
    id: 'listDatasets',
    method: 'get',
    path: '/v1/datasets',
    tag,
    scope: 'read',
    summary: 'List datasets, oldest first',
    query: datasetsPageQuery,
    answers: pageAnswers(dataset),
  }),
  get: operation({
    id: 'getDataset',
    method: 'get',
    path,
    tag,
    scope: 'read',
    summary: 'Get a dataset, with its counts so far',
    params: datasetParam,
    answers: { 200: { description: 'The dataset', content: one } },
  }),
  images: operation({
    id: 'listDatasetImages',
    method: 'get',
    path: `${path}/images`,
    tag,
    scope: 'read',
    summary: 'List the images of a ready dataset',
    params: datasetParam,
    query: manifestPageQuery,
    answers: pageAnswers(datasetItem),
    problems: ['conflict'],
  }),
  refusals: operation({
    id: 'listRefusals',
    method: 'get',
    path: `${path}/refusals`,
    tag,
    scope: 'read',
    summary: 'List the refused files, with reasons, as JSON Lines',
    params: datasetParam,
    answers: {
      200: { description: 'One line a file', content: { 'application/jsonl': refusal } },
    },
  }),
  add: operation({
    id: 'addImages',
    method: 'post',
    path: `${path}/images`,
    tag,
    scope: 'submit',
    summary: 'Add images to an open dataset',
    description:
      'Images received before a request breaks off are kept; the same file sent again counts once.',
    params: datasetParam,
    query: labelQuery,
    streams: bodies,
    answers: {
      200: { description: 'The dataset so far', content: { 'application/json': added } },
    },
    problems: [
      'conflict',
      'too_large',
      'unsupported_media_type',
      'quota_exceeded',
      'deadline_exceeded',
    ],
  }),
  close: operation({
    id: 'closeDataset',
    method: 'post',
    path: `${path}/close`,
    tag,
    scope: 'submit',
    summary: 'Close an open dataset, which then never changes; idempotent',
    params: datasetParam,
    answers: { 200: { description: 'Ready', content: one }, 202: validating },
    problems: ['conflict'],
  }),
  delete: operation({
    id: 'deleteDataset',
    method: 'delete',
    path,
    tag,
    scope: 'submit',
    summary: 'Delete a dataset that no job reads, with its images; results of jobs stay',
    params: datasetParam,
    answers: { 204: { description: 'Deleted' } },
    problems: ['conflict'],
  }),
};

type DatasetServices = UploadServices & IngestQueueServices & Pick<ApiServices, 'sources'>;

/** Routes that create, fill, close, read and delete datasets. */
export function datasetRoutes(services: DatasetServices): Route[] {
  const { store } = services;
  return [
    route(datasetOperations.create, async (call) => {
      const { tenant, query, body, request, response } = call;
      const labels = query.labels ?? null;
      if (request.is('application/json') || request.is('application/jsonl')) {
        const created = request.is('application/json')
          ? await createFromRequest(services, tenant, { labels: query.labels, ...body })
          : await createFromManifest(services, labels, call);
        response.location(`/v1/datasets/${created.id}`);
        if (created.state === 'open') response.status(201).json({ ...created, refusals: [] });
        else response.status(202).set('Retry-After', pollSeconds).json(created);
        return;
      }
      const { dataset, refusals } = await createFromUpload(services, labels, call);
      response
        .status(201)
        .location(`/v1/datasets/${dataset.id}`)
        .json({ ...dataset, refusals });
    }),
    route(datasetOperations.list, async ({ tenant, query, response }) => {
      response.json(await listDatasets(store, tenant, query));
    }),
    route(datasetOperations.get, async ({ tenant, params, response }) => {
      const found = await findDataset(store, { tenant, id: params.dataset });
      if (found.state === 'validating') response.set('Retry-After', pollSeconds);
      response.json(await withTotals(store, tenant, found));
    }),
    route(datasetOperations.images, async ({ tenant, params, query, response }) => {
      const { id, state } = await findDataset(store, { tenant, id: params.dataset });
      if (state !== 'ready') {
        throw new AppError('conflict', `Dataset '${id}' is ${state}: it has no list of images yet`);
      }
      response.json(await listItems(store, { tenant, id }, query));
    }),
    route(datasetOperations.refusals, async ({ tenant, params, response, signal }) => {
      const found = await findDataset(store, { tenant, id: params.dataset });
      response.type('application/jsonl');
      await services.turns.downloads.run({ tenant, signal }, () =>
        sendBody(services.config, Readable.from(listRefusals(store, tenant, found, signal)), {
          response,
          signal,
        }),
      );
    }),
    route(datasetOperations.add, async (call) => {
      const { tenant, params, query, response } = call;
      const reference = { tenant, id: params.dataset };
      const open = await findOpenDataset(store, reference);
      const tally = await addImages(services, reference, query.labels ?? null, call);
      const counted = await withTotals(store, tenant, open);
      response.json({ ...counted, added: tally.images, refusals: tally.refusals });
    }),
    route(datasetOperations.close, async ({ tenant, params, response }) => {
      const found = await findDataset(store, { tenant, id: params.dataset });
      const closed = await closeDataset(services, tenant, found);
      if (closed.state === 'validating') {
        response.status(202).location(`/v1/datasets/${closed.id}`).set('Retry-After', pollSeconds);
      }
      response.json(await withTotals(store, tenant, closed));
    }),
    route(datasetOperations.delete, async ({ tenant, params, response }) => {
      const found = await findDataset(store, { tenant, id: params.dataset });
      await deleteDataset(store, tenant, found);
      await releaseQuietly(services.usage.releaseDataset(tenant, found.id));
      response.status(204).end();
    }),
  ];
}
