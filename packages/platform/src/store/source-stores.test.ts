import { describe, expect, test } from 'vitest';
import { keys } from './keys.js';
import { createSourceStores } from './source-stores.js';

const sources = createSourceStores({
  UMBRA_S3_SOURCES: ['s3://photos/public/', 's3://umbra/'],
  UMBRA_S3_REGION: 'us-east-1',
  UMBRA_S3_BUCKET: 'umbra',
  UMBRA_S3_PREFIX: 'prod/',
});

const row = { rowStart: 0, rowEnd: 8 };
const segment = { stream: 's', index: 0, images: 1, bytes: 2, refused: 0 };
/** One call of every builder: a builder that is missing here does not compile. */
const everyKey: { readonly [N in keyof typeof keys]: Parameters<(typeof keys)[N]> } = {
  health: ['id'],
  models: [],
  currentModel: ['net'],
  modelFile: ['net', 'digest', 'model.onnx'],
  modelCheck: ['m', 'd'],
  apiKeys: [],
  apiKey: ['abcdefgh'],
  apiKeyRevocation: ['abcdefgh'],
  allActiveJobs: [],
  activeJobs: ['t'],
  activeJob: ['t', 'job_1'],
  retentions: [],
  retention: [new Date(0), 't', 'job_1'],
  ingests: [],
  ingest: ['t', 'ds_1'],
  pendingDeliveries: [],
  pendingDelivery: ['t', 'job_1', 'dl_1'],
  tenants: [],
  tenant: ['t'],
  idempotency: ['t', 'digest'],
  addressedRows: ['t', 'aabb'],
  rows: ['t', 'aabb', row],
  datasets: ['t'],
  datasetIndex: ['t'],
  datasetEntry: ['t', { id: 'ds_1', createdAt: new Date(0).toISOString() }],
  datasetFiles: ['t', 'ds_1'],
  dataset: ['t', 'ds_1'],
  manifest: ['t', 'ds_1'],
  refusals: ['t', 'ds_1'],
  image: ['t', 'ds_1', 'sha'],
  segments: ['t', 'ds_1', 's'],
  segment: ['t', 'ds_1', segment],
  sources: ['t', 'ds_1'],
  source: ['t', 'ds_1', 's'],
  sourceLines: ['t', 'ds_1', 's'],
  parts: ['t', 'ds_1', 's'],
  part: ['t', 'ds_1', { source: 's', offset: 0 }],
  datasetWork: ['t', 'ds_1'],
  jobs: ['t'],
  jobFiles: ['t', 'job_1'],
  job: ['t', 'job_1'],
  cancellation: ['t', 'job_1'],
  pause: ['t', 'job_1'],
  webhookSecret: ['t', 'job_1'],
  deliveries: ['t', 'job_1'],
  delivery: ['t', 'job_1', 'dl_1'],
  archive: ['t', 'job_1'],
  archives: ['t', 'job_1'],
  results: ['t', 'job_1'],
  result: ['t', 'job_1', 'img_1', 'scores.npy'],
  errors: ['t', 'job_1'],
  error: ['t', 'job_1', 'img_1'],
  largeResult: ['t', 'job_1', 'img_1', row],
};
const built = Object.entries(everyKey).flatMap(([name, parameters]) => {
  const build = keys[name as keyof typeof keys] as (...given: unknown[]) => string | string[];
  return [build(...parameters)].flat().map((key) => [name, key] as const);
});

describe.each(['', 'prod/', 'a/b/'])('in the own bucket, below %j', (prefix) => {
  const own = createSourceStores({
    UMBRA_S3_SOURCES: ['s3://umbra/'],
    UMBRA_S3_REGION: 'us-east-1',
    UMBRA_S3_BUCKET: 'umbra',
    UMBRA_S3_PREFIX: prefix,
  });
  const forbidden = expect.objectContaining({ code: 'forbidden' }) as Error;

  test.each(built)('%s is no source, nor is a prefix that would list it', (_name, key) => {
    const whole = `${prefix}${key}`;
    for (let length = 0; length <= whole.length; length += 1) {
      const part = whole.slice(0, length);
      expect(() => own.locate(`s3://umbra/${part}`), part).toThrow(forbidden);
      expect(() => own.open({ bucket: 'umbra', key: part }), part).toThrow(forbidden);
    }
  });

  test("a user's objects beside them are a source", () => {
    expect(own.locate(`s3://umbra/${prefix}photos/`).key).toBe(`${prefix}photos/`);
    expect(own.locate('s3://umbra/photos/tenants/1.png').key).toBe('photos/tenants/1.png');
  });
});

test.each([
  ['s3://photos/public/', { bucket: 'photos', key: 'public/' }],
  ['s3://photos/public/a b/ä.png', { bucket: 'photos', key: 'public/a b/ä.png' }],
  ['s3://umbra/prod/photos/1.png', { bucket: 'umbra', key: 'prod/photos/1.png' }],
])('%s is allowed', (uri, place) => {
  expect(sources.locate(uri)).toEqual(place);
});

test.each([
  ['s3://photos/publicity/1.png', 'forbidden'],
  ['s3://photos/', 'forbidden'],
  ['s3://other/public/1.png', 'forbidden'],
  // The service's own objects, of any tenant.
  ['s3://umbra/prod/tenants/other/datasets/x', 'forbidden'],
  ['s3://umbra/prod/api-keys/x.json', 'forbidden'],
  ['s3://umbra/prod/webhooks/other/', 'forbidden'],
  ['s3://umbra/prod/', 'forbidden'],
  ['s3://umbra/', 'forbidden'],
  ['https://photos/public/', 'invalid_input'],
  ['s3://photos', 'invalid_input'],
  ['s3://../x', 'invalid_input'],
])('%s is not: %s', (uri, code) => {
  expect(() => sources.locate(uri)).toThrow(expect.objectContaining({ code }) as Error);
});

test('what was allowed may no longer be', () => {
  expect(() => sources.open({ bucket: 'old', key: 'x' })).toThrow('no allowed prefix');
});
