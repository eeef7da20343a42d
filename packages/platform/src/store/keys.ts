import type { ModelReference } from '@umbra/shared/contracts/reference';
import type { ResultFile } from '@umbra/shared/contracts/result';
import { invalidInput } from '@umbra/shared/errors';
import type { RowRange } from '@umbra/shared/occlusion/shards';
import { buildKey, matchKey, parseKey } from './key-layout.js';

/** Totals of a segment of a dataset's journal; they stand in its key, so that no segment is read for them. */
export type SegmentTotals = {
  readonly images: number;
  readonly bytes: number;
  readonly refused: number;
};

/** Place of a segment: its stream, and its index there. */
export type SegmentPosition = { readonly stream: string; readonly index: number };

/** Name of a segment of a job's rows: names sort by the time of writing, ms since the epoch. */
export type RowSegmentName = { readonly writtenMs: number; readonly token: string };

/** Builders of every key and folder of the store; see `keyLayout`. */
export const keys = {
  health: (id: string) => buildKey('health', { id }),
  models: () => buildKey('models', {}),
  currentModel: (name: string) => buildKey('currentModel', { name }),
  modelFiles: (name: string) => buildKey('modelFiles', { name }),
  modelFile: (name: string, digest: string, path: string) =>
    buildKey('modelFile', { name, digest, path }),
  modelCheck: (name: string, digest: string) => buildKey('modelCheck', { name, digest }),
  apiKeys: () => buildKey('apiKeys', {}),
  apiKey: (prefix: string) => buildKey('apiKey', { prefix }),
  apiKeyRevocation: (prefix: string) => buildKey('apiKeyRevocation', { prefix }),

  allActiveJobs: () => buildKey('allActiveJobs', {}),
  activeJobs: (tenant: string) => buildKey('activeJobs', { tenant }),
  activeJob: (tenant: string, id: string) => buildKey('activeJob', { tenant, id }),
  retentions: () => buildKey('retentions', {}),
  retention: (deleteAt: Date, tenant: string, id: string) =>
    buildKey('retention', { deleteAt: deleteAt.toISOString(), tenant, id }),
  ingests: () => buildKey('ingests', {}),
  ingest: (tenant: string, id: string) => buildKey('ingest', { tenant, id }),
  pendingDeliveries: () => buildKey('pendingDeliveries', {}),
  pendingDelivery: (tenant: string, job: string, delivery: string) =>
    buildKey('pendingDelivery', { tenant, job, delivery }),
  pendingReports: () => buildKey('pendingReports', {}),
  pendingReport: (tenant: string, id: string) => buildKey('pendingReport', { tenant, id }),
  pendingTrials: () => buildKey('pendingTrials', {}),
  tenantTrials: (tenant: string) => buildKey('tenantTrials', { tenant }),
  pendingTrial: (tenant: string, job: string, trial: string) =>
    buildKey('pendingTrial', { tenant, job, trial }),
  uploads: () => buildKey('uploads', {}),
  datasetUploads: (tenant: string, dataset: string) =>
    buildKey('datasetUploads', { tenant, dataset }),
  upload: (tenant: string, dataset: string, stream: string) =>
    buildKey('upload', { tenant, dataset, stream }),
  modelUpload: (tenant: string, name: string, digest: string) =>
    buildKey('modelUpload', { tenant, name, digest }),
  deletions: () => buildKey('deletions', {}),
  deletedDataset: (tenant: string, id: string) => buildKey('deletedDataset', { tenant, id }),
  deletedJob: (tenant: string, id: string) => buildKey('deletedJob', { tenant, id }),
  deletedModel: (tenant: string, name: string) => buildKey('deletedModel', { tenant, name }),

  tenants: () => buildKey('tenants', {}),
  tenant: (tenant: string) => buildKey('tenant', { tenant }),
  idempotency: (tenant: string, digest: string) => buildKey('idempotency', { tenant, digest }),
  allRows: (tenant: string) => buildKey('allRows', { tenant }),
  /** Rows of one address; see `addressOf`. */
  addressedRows: (tenant: string, address: string) =>
    buildKey('addressedRows', { tenant, start: address.slice(0, 2), address }),
  rows: (tenant: string, address: string, { rowStart, rowEnd }: RowRange) =>
    buildKey('rows', {
      tenant,
      start: address.slice(0, 2),
      address,
      rowStart: String(rowStart),
      rowEnd: String(rowEnd),
    }),

  ownModels: (tenant: string) => buildKey('ownModels', { tenant }),
  ownModelFiles: (tenant: string, name: string) => buildKey('ownModelFiles', { tenant, name }),
  ownModel: (tenant: string, name: string) => buildKey('ownModel', { tenant, name }),
  ownModelVersion: (tenant: string, name: string, digest: string) =>
    buildKey('ownModelVersion', { tenant, name, digest }),
  ownModelFile: ({ tenant, name, digest }: ModelReference, path: string) =>
    buildKey('ownModelFile', { tenant, name, digest, path }),

  datasets: (tenant: string) => buildKey('datasets', { tenant }),
  /** A tenant's datasets by the time they were made. */
  datasetIndex: (tenant: string) => buildKey('datasetIndex', { tenant }),
  datasetEntry: (tenant: string, { id, createdAt }: { id: string; createdAt: string }) =>
    buildKey('datasetEntry', { tenant, createdMs: padded(Date.parse(createdAt), 14), id }),
  datasetFiles: (tenant: string, id: string) => buildKey('datasetFiles', { tenant, id }),
  dataset: (tenant: string, id: string) => buildKey('dataset', { tenant, id }),
  manifest: (tenant: string, id: string) => buildKey('manifest', { tenant, id }),
  refusals: (tenant: string, id: string) => buildKey('refusals', { tenant, id }),
  images: (tenant: string, id: string) => buildKey('images', { tenant, id }),
  image: (tenant: string, id: string, sha256: string) => buildKey('image', { tenant, id, sha256 }),
  /** The journal of a dataset that is not ready, or one stream of it. */
  segments: (tenant: string, id: string, stream?: string) =>
    stream === undefined
      ? buildKey('segments', { tenant, id })
      : buildKey('segmentStream', { tenant, id, stream }),
  segment: (tenant: string, id: string, segment: SegmentPosition & SegmentTotals) =>
    buildKey('segment', {
      tenant,
      id,
      stream: segment.stream,
      index: padded(segment.index, 8),
      images: String(segment.images),
      bytes: String(segment.bytes),
      refused: String(segment.refused),
    }),
  /** What is to be looked at before the dataset is ready. */
  sources: (tenant: string, id: string) => buildKey('sources', { tenant, id }),
  source: (tenant: string, id: string, source: string) =>
    buildKey('source', { tenant, id, source }),
  sourceLines: (tenant: string, id: string, source: string) =>
    buildKey('sourceLines', { tenant, id, source }),
  parts: (tenant: string, id: string, source: string) => buildKey('parts', { tenant, id, source }),
  /** @param place The upload's id and the part's offset in the upload, bytes. */
  part: (tenant: string, id: string, place: { source: string; offset: number }) =>
    buildKey('part', { tenant, id, source: place.source, offset: padded(place.offset, 16) }),
  /** Folders that a dataset needs no more once it is ready. */
  datasetWork: (tenant: string, id: string) =>
    (['segments', 'sources', 'allSourceLines', 'allParts'] as const).map((name) =>
      buildKey(name, { tenant, id }),
    ),

  /** A tenant's jobs, the newest first. */
  jobIndex: (tenant: string) => buildKey('jobIndex', { tenant }),
  jobEntry: (tenant: string, { id, createdAt }: { id: string; createdAt: string }) =>
    buildKey('jobEntry', { tenant, age: padded(maxTimeMs - Date.parse(createdAt), 14), id }),
  jobIndexComplete: (tenant: string) => buildKey('jobIndexComplete', { tenant }),
  jobs: (tenant: string) => buildKey('jobs', { tenant }),
  jobFiles: (tenant: string, id: string) => buildKey('jobFiles', { tenant, id }),
  job: (tenant: string, id: string) => buildKey('job', { tenant, id }),
  cancellation: (tenant: string, id: string) => buildKey('cancellation', { tenant, id }),
  pause: (tenant: string, id: string) => buildKey('pause', { tenant, id }),
  webhookSecret: (tenant: string, id: string) => buildKey('webhookSecret', { tenant, id }),
  deliveries: (tenant: string, id: string) => buildKey('deliveries', { tenant, id }),
  delivery: (tenant: string, id: string, delivery: string) =>
    buildKey('delivery', { tenant, id, delivery }),
  archive: (tenant: string, id: string, name = 'archive.zip') =>
    buildKey('archive', { tenant, id, name }),
  archives: (tenant: string, id: string) => buildKey('archives', { tenant, id }),
  results: (tenant: string, id: string) => buildKey('results', { tenant, id }),
  result: (tenant: string, id: string, image: string, file: ResultFile) =>
    buildKey('result', { tenant, id, image, file }),
  rowSegments: (tenant: string, id: string) => buildKey('rowSegments', { tenant, id }),
  /** @param token Makes the name unique, whoever else writes at that time. */
  rowSegment: (tenant: string, id: string, { writtenMs, token }: RowSegmentName) =>
    buildKey('rowSegment', { tenant, id, writtenMs: padded(writtenMs, 14), token }),
  errors: (tenant: string, id: string) => buildKey('errors', { tenant, id }),
  error: (tenant: string, id: string, image: string) => buildKey('error', { tenant, id, image }),
  reportFiles: (tenant: string, id: string) => buildKey('reportFiles', { tenant, id }),
  reportRequest: (tenant: string, id: string) => buildKey('reportRequest', { tenant, id }),
  reportStatus: (tenant: string, id: string) => buildKey('reportStatus', { tenant, id }),
  report: (tenant: string, id: string) => buildKey('report', { tenant, id }),
  reportTable: (tenant: string, id: string) => buildKey('reportTable', { tenant, id }),
  reportMembers: (tenant: string, id: string) => buildKey('reportMembers', { tenant, id }),
  reportCrops: (tenant: string, id: string) => buildKey('reportCrops', { tenant, id }),
  reportCrop: (tenant: string, id: string, image: string) =>
    buildKey('reportCrop', { tenant, id, image }),
  evidence: (tenant: string, id: string) => buildKey('evidence', { tenant, id }),
  /** @param start Index of the segment's first image in the manifest. */
  evidenceSegment: (tenant: string, id: string, start: number) =>
    buildKey('evidenceSegment', { tenant, id, start: padded(start, 8) }),
  trials: (tenant: string, id: string) => buildKey('trials', { tenant, id }),
  trial: (tenant: string, id: string, trial: string) => buildKey('trial', { tenant, id, trial }),
  trialCancellation: (tenant: string, id: string, trial: string) =>
    buildKey('trialCancellation', { tenant, id, trial }),
  largeResult: (tenant: string, id: string, image: string, { rowStart, rowEnd }: RowRange) =>
    buildKey('largeResult', {
      tenant,
      id,
      image,
      rowStart: String(rowStart),
      rowEnd: String(rowEnd),
    }),
} as const;

/** Beyond any time, ms since the epoch: what it exceeds a time by falls as time goes on. */
const maxTimeMs = 99_999_999_999_999;
const padded = (value: number, digits: number): string => String(value).padStart(digits, '0');

/** @returns The rows that a stored band holds, by its key; null if the key is none of a band. */
export function rowsOfKey(key: string): RowRange | null {
  const fields = matchKey('rows', key);
  return fields && { rowStart: Number(fields.rowStart), rowEnd: Number(fields.rowEnd) };
}

/** @throws {AppError} `integrity` if the key is none of a segment. */
export function segmentOfKey(key: string): SegmentPosition & SegmentTotals {
  const { stream, index, images, bytes, refused } = parseKey('segment', key);
  return {
    stream,
    index: Number(index),
    images: Number(images),
    bytes: Number(bytes),
    refused: Number(refused),
  };
}

/** @returns The offset of a part in its upload, bytes. @throws {AppError} `integrity` if the key is none of a part. */
export const partOffsetOfKey = (key: string): number => Number(parseKey('part', key).offset);

/** @returns When a job was made, by its entry, ms since the epoch. @throws {AppError} `integrity` if the key is none of an entry. */
export const jobEntryOfKey = (key: string): { readonly id: string; readonly createdMs: number } => {
  const { id, age } = parseKey('jobEntry', key);
  return { id, createdMs: maxTimeMs - Number(age) };
};

/** The tenant of an installation whose API requires no keys. */
export const defaultTenant = 'default';

/**
 * Refuse any key that is not a plain relative path: drivers may then join it to their root.
 *
 * @throws {AppError} `invalid_input` on an empty key or segment, `.`, `..`, a backslash, a control
 *   character, or more than 1024 bytes.
 */
export function assertKey(key: string): void {
  const segments = key.split('/');
  const bad =
    key.length === 0 ||
    Buffer.byteLength(key) > 1024 ||
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is refused
    /[\\\u0000-\u001f\u007f]/.test(key) ||
    segments.some((segment) => segment === '' || segment === '.' || segment === '..');
  if (bad) {
    throw invalidInput(`Expected a relative key without empty, '.' or '..' segments, got '${key}'`);
  }
}
