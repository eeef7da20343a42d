import { keys } from '@umbra/platform/store/keys';
import type { JobRecord } from '@umbra/shared/contracts/job';
import { imageIdAt } from '@umbra/shared/ids';
import { afterAll, beforeAll, beforeEach, expect, inject, test } from 'vitest';
import { openNumbers } from './describe-result.js';
import { type EvidenceServices, readEvidence, segmentImages } from './evidence-segments.js';
import { orLost } from './read-photo.js';
import { ids, images, openResultStage, type ResultStage, tenant } from './testing/result-stage.js';

const signal = new AbortController().signal;
let stage: ResultStage;
let services: EvidenceServices;
let job: JobRecord;

beforeAll(async () => {
  stage = await openResultStage(inject('redisUrl'));
  services = stage.services;
});
beforeEach(async () => {
  job = await stage.writeJob();
  stage.asked.length = 0;
});
afterAll(() => stage?.close());

const putResult = (image: string) => stage.putResult(job, image);

/** Read all of a job's evidence. @returns Of each segment, how many images it has, and how many are fresh. */
async function readAll(of: JobRecord = job) {
  stage.asked.length = 0;
  const found = [];
  for await (const { evidence, fresh, damaged } of readEvidence(
    services,
    { tenant, job: of },
    stage.model,
    signal,
  )) {
    found.push({ images: evidence.length, fresh, damaged });
  }
  return found;
}

test('evidence says what the result of each image says', async () => {
  await Promise.all(ids(0, 20).map(putResult));
  let first: unknown;
  for await (const { evidence } of readEvidence(services, { tenant, job }, stage.model, signal)) {
    first ??= evidence[0];
    expect(evidence.map(({ drop }) => drop).every((drop) => Math.abs(drop - 0.65) < 1e-6)).toBe(
      true,
    );
  }
  expect(first).toMatchObject({
    ...{ id: imageIdAt(0), name: '0.png', label: 'kind 1', isRight: true },
    ...{ labelClass: { index: 1, label: 'kind 1' }, score: 0.9, computed: 4 },
    lowest: { box: { top: 0, left: 8, bottom: 8, right: 16 } },
    flips: [{ to: { index: 0, label: 'kind 0' }, positions: 1 }],
  });
});

test('a result with a score that is no finite number is left out, and counted', async () => {
  await Promise.all(ids(0, 4).map(putResult));
  for (const [image, score] of [
    [imageIdAt(0), Number.POSITIVE_INFINITY],
    [imageIdAt(2), Number.NaN],
  ] as const) {
    const key = keys.result(tenant, job.id, image, 'scores.npy');
    const file = await services.store.get(key);
    file.writeFloatLE(score, file.length - 4);
    await services.store.put(key, file);
  }
  // The score of the whole photo: the map, of its differences, is then not finite.
  const key = keys.result(tenant, job.id, imageIdAt(3), 'result.json');
  const text = `${await services.store.get(key)}`;
  await services.store.put(key, text.replaceAll(/"score": *0\.9\b/g, '"score":3.3e38'));
  expect((await readAll())[0]).toEqual({ images: 1, fresh: 1, damaged: 3 });
  const readNumbers = openNumbers(services, { tenant, job });
  const read = await Promise.all(ids(0, 4).map((image) => orLost(readNumbers(image))));
  expect(read.map((numbers) => numbers !== null)).toEqual([false, true, false, false]);
});

test('a run that died is continued: no complete segment is read again', async () => {
  await Promise.all([...ids(0, 5), ...ids(segmentImages, images)].map(putResult));
  for await (const _ of readEvidence(services, { tenant, job }, stage.model, signal)) break;
  expect(stage.asked).toHaveLength(segmentImages);
  expect(await readAll()).toEqual([
    { images: 5, fresh: 0, damaged: 0 },
    { images: 3, fresh: 3, damaged: 0 },
  ]);
  expect(stage.asked).toEqual(ids(segmentImages, images));
  await readAll();
  expect(stage.asked).toEqual([]);
});

test('of a job that goes on, only images are read that have ended since', async () => {
  job = { ...job, state: 'in_progress' };
  const { progress } = services;
  await Promise.all(ids(0, 3).map(putResult));
  for (const index of [0, 2]) await progress.finishImage(job.id, index, 'completed', null);
  expect((await readAll())[0]).toEqual({ images: 2, fresh: 2, damaged: 0 });
  expect(stage.asked).toEqual([imageIdAt(0), imageIdAt(2)]);
  await progress.finishImage(job.id, 1, 'completed', null);
  expect((await readAll())[0]).toEqual({ images: 3, fresh: 1, damaged: 0 });
  expect(stage.asked).toEqual([imageIdAt(1)]);
  await progress.clear(job.id);
});

test('a retry reads the images again that had no result, and no others', async () => {
  await Promise.all(ids(2, 10).map(putResult));
  expect((await readAll())[0]).toEqual({
    images: 8,
    fresh: 8,
    damaged: 0,
  });
  await readAll();
  expect(stage.asked).toEqual([]);
  await putResult(imageIdAt(1));
  expect((await readAll({ ...job, attempt: 2 }))[0]).toEqual({
    images: 9,
    fresh: 1,
    damaged: 0,
  });
  expect(stage.asked).toEqual([...ids(0, 2), ...ids(10, images)]);
});

test('a damaged result is left out and counted, and damaged evidence is made again', async () => {
  await Promise.all(ids(0, 20).map(putResult));
  await services.store.put(keys.result(tenant, job.id, imageIdAt(0), 'scores.npy'), 'no array');
  await services.store.delete(keys.result(tenant, job.id, imageIdAt(1), 'scores.npy'));
  const left = { images: 18, damaged: 2 };
  expect((await readAll())[0]).toEqual({ ...left, fresh: 18 });
  await services.store.put(keys.evidenceSegment(tenant, job.id, 0), 'no segment');
  expect((await readAll())[0]).toEqual({ ...left, fresh: 18 });
  expect((await readAll())[0]).toEqual({ ...left, fresh: 0 });
  await Promise.all(ids(0, 2).map(putResult));
  expect((await readAll())[0]).toEqual({ images: 20, fresh: 2, damaged: 0 });
});

test('an outage of the store is no damage', async () => {
  await Promise.all(ids(0, 3).map(putResult));
  const away = {
    ...services,
    store: {
      ...services.store,
      get: async () => {
        throw Object.assign(new Error('away'), { code: 'ECONNREFUSED' });
      },
    },
  };
  const reading = readEvidence(away, { tenant, job }, stage.model, signal).next();
  await expect(reading).rejects.toThrow('away');
});
