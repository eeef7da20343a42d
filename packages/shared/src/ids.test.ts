import { expect, test } from 'vitest';
import { datasetId, imageId } from './contracts/dataset.js';
import { jobId } from './contracts/job.js';
import { imageIdAt, newDatasetId, newJobId } from './ids.js';

test('ids are what the contracts expect, and never twice', () => {
  const ids = Array.from({ length: 1_000 }, () => newJobId());
  expect(new Set(ids).size).toBe(1_000);
  expect(ids.every((id) => jobId.safeParse(id).success)).toBe(true);
  expect(datasetId.safeParse(newDatasetId()).success).toBe(true);
});

test('image ids sort in upload order', () => {
  expect(imageIdAt(7)).toBe('img_00000007');
  expect(imageId.safeParse(imageIdAt(99_999_999)).success).toBe(true);
  expect([10, 9, 100].map(imageIdAt).sort()).toEqual([9, 10, 100].map(imageIdAt));
});
