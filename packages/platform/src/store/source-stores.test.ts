import { expect, test } from 'vitest';
import { createSourceStores } from './source-stores.js';

const sources = createSourceStores({
  UMBRA_S3_SOURCES: ['s3://photos/public/', 's3://umbra/'],
  UMBRA_S3_REGION: 'us-east-1',
  UMBRA_S3_BUCKET: 'umbra',
});

test.each([
  ['s3://photos/public/', { bucket: 'photos', key: 'public/' }],
  ['s3://photos/public/a b/ä.png', { bucket: 'photos', key: 'public/a b/ä.png' }],
])('%s is allowed', (uri, place) => {
  expect(sources.locate(uri)).toEqual(place);
});

test.each([
  ['s3://photos/publicity/1.png', 'forbidden'],
  ['s3://photos/', 'forbidden'],
  ['s3://other/public/1.png', 'forbidden'],
  // The service's own bucket, whatever the operator allows.
  ['s3://umbra/prod/tenants/other/datasets/x', 'forbidden'],
  ['s3://umbra/photos/1.png', 'forbidden'],
  ['s3://umbra/', 'forbidden'],
  ['https://photos/public/', 'invalid_input'],
  ['s3://photos', 'invalid_input'],
  ['s3://../x', 'invalid_input'],
])('%s is not: %s', (uri, code) => {
  expect(() => sources.locate(uri)).toThrow(expect.objectContaining({ code }) as Error);
});

test('what was allowed may no longer be', () => {
  expect(() => sources.open({ bucket: 'old', key: 'x' })).toThrow('no allowed prefix');
  expect(() => sources.open({ bucket: 'umbra', key: 'x' })).toThrow('no allowed prefix');
});
