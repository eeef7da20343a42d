import {
  archiveRequest,
  archiveUpload,
  presignedUpload,
  sourceId,
  uploadRequest,
} from '@umbra/shared/contracts/dataset';
import { AppError } from '@umbra/shared/errors';
import { z } from 'zod';
import { operation, type Route, route } from '../http/operation.js';
import { datasetParam } from '../http/params.js';
import type { ApiServices } from '../services.js';
import {
  appendPart,
  beginArchiveUpload,
  findArchiveUpload,
  removeArchiveUpload,
} from './archive-uploads.js';
import { findDataset, findOpenDataset } from './find-dataset.js';
import { presignUploads } from './presign-uploads.js';
import type { ReservingServices } from './reserve-part.js';

const tag = 'datasets';
const path = '/v1/datasets/{dataset}';
const archiveParams = { ...datasetParam, archive: sourceId };
const archiveAnswer = {
  description: 'The upload and its offset',
  content: { 'application/json': archiveUpload },
  headers: { 'Upload-Offset': 'Bytes received', 'Upload-Length': 'Bytes of the archive' },
} as const;
const partType = 'application/offset+octet-stream';

export const uploadOperations = {
  presign: operation({
    id: 'presignUploads',
    method: 'post',
    path: `${path}/uploads`,
    tag,
    scope: 'submit',
    summary: 'Presign URLs to upload images of an open dataset directly to S3',
    params: datasetParam,
    body: uploadRequest,
    bodyBytes: 4 * 1024 * 1024,
    answers: {
      201: {
        description: 'One upload a file, in the order requested; the URLs are valid for six hours',
        content: { 'application/json': z.strictObject({ uploads: z.array(presignedUpload) }) },
      },
    },
    problems: ['conflict', 'too_large', 'unprocessable', 'quota_exceeded'],
  }),
  beginArchive: operation({
    id: 'beginArchive',
    method: 'post',
    path: `${path}/archives`,
    tag,
    scope: 'submit',
    summary: 'Begin the upload of a large archive in parts to an open dataset',
    params: datasetParam,
    body: archiveRequest,
    answers: {
      201: { ...archiveAnswer, headers: { ...archiveAnswer.headers, Location: 'The upload' } },
    },
    problems: ['conflict', 'too_large', 'quota_exceeded'],
  }),
  getArchive: operation({
    id: 'getArchiveUpload',
    method: 'get',
    path: `${path}/archives/{archive}`,
    tag,
    scope: 'submit',
    summary: "Get an archive upload's offset; HEAD answers with the headers alone",
    params: archiveParams,
    answers: { 200: archiveAnswer },
  }),
  appendArchive: operation({
    id: 'appendArchive',
    method: 'patch',
    path: `${path}/archives/{archive}`,
    tag,
    scope: 'submit',
    summary: 'Upload a part of an archive; bytes received before a request breaks off are kept',
    params: archiveParams,
    headers: { 'Upload-Offset': z.string().regex(/^\d{1,15}$/) },
    streams: { [partType]: 'bytes' },
    answers: {
      204: { description: 'Stored', headers: { 'Upload-Offset': 'Where the next part starts' } },
    },
    problems: ['conflict', 'too_large', 'unsupported_media_type'],
  }),
  deleteArchive: operation({
    id: 'deleteArchiveUpload',
    method: 'delete',
    path: `${path}/archives/{archive}`,
    tag,
    scope: 'submit',
    summary: 'Remove an archive from an open dataset',
    params: archiveParams,
    answers: { 204: { description: 'Deleted' } },
    problems: ['conflict'],
  }),
};

/** Routes of uploads into an open dataset that take more than one request. */
export function uploadRoutes(
  services: ReservingServices & Pick<ApiServices, 'store' | 'config' | 'turns'>,
): Route[] {
  const { store } = services;
  return [
    route(uploadOperations.presign, async ({ tenant, params, body, response }) => {
      const { id } = await findOpenDataset(store, { tenant, id: params.dataset });
      const uploads = await presignUploads(services, { tenant, id }, body.files);
      response.status(201).json({ uploads });
    }),
    route(uploadOperations.beginArchive, async ({ tenant, params, body, response }) => {
      const { id } = await findOpenDataset(store, { tenant, id: params.dataset });
      const upload = await beginArchiveUpload(services, { tenant, id }, body);
      response
        .status(201)
        .location(`/v1/datasets/${id}/archives/${upload.id}`)
        .set({ 'Upload-Offset': '0', 'Upload-Length': String(upload.bytes) })
        .json(upload);
    }),
    route(uploadOperations.getArchive, async ({ tenant, params, response }) => {
      const { id } = await findDataset(store, { tenant, id: params.dataset });
      const upload = await findArchiveUpload(store, { tenant, id }, params.archive);
      response
        .set({ 'Upload-Offset': String(upload.offset), 'Upload-Length': String(upload.bytes) })
        .json(upload);
    }),
    route(uploadOperations.appendArchive, async (call) => {
      const { tenant, params, request, response } = call;
      if (!request.is(partType)) {
        throw new AppError(
          'unsupported_media_type',
          `Expected Content-Type ${partType}, got ${request.get('content-type') ?? 'none'}`,
        );
      }
      const dataset = { tenant, id: params.dataset };
      await findOpenDataset(store, dataset);
      const upload = await findArchiveUpload(store, dataset, params.archive);
      const offset = await appendPart(services, dataset, upload, call);
      response.status(204).set('Upload-Offset', String(offset)).end();
    }),
    route(uploadOperations.deleteArchive, async ({ tenant, params, response }) => {
      const dataset = { tenant, id: params.dataset };
      await findOpenDataset(store, dataset);
      const { id } = await findArchiveUpload(store, dataset, params.archive);
      await removeArchiveUpload(services, dataset, id);
      response.status(204).end();
    }),
  ];
}
