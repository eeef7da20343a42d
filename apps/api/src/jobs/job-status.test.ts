import type { JobLive, Progress } from '@umbra/platform/redis/job-progress';
import { createCache } from '@umbra/shared/cache';
import { type JobRecord, newJobDefaults } from '@umbra/shared/contracts/job';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { newDatasetId, newJobId } from '@umbra/shared/ids';
import { expect, test } from 'vitest';
import { type JobStatusServices, statusOf } from './job-status.js';

const job: JobRecord = {
  ...newJobDefaults,
  id: newJobId(),
  dataset: newDatasetId(),
  model: { name: 'tiny', digest: '0'.repeat(64) },
  settings: occlusionSettings.parse({}),
  state: 'in_progress',
  positionsPerImage: 100,
  counts: { total: 10, completed: 0, failed: 0 },
  createdAt: new Date().toISOString(),
};
const cursor = { index: 4, offset: 10 };
const done: Progress = { cursor, completed: 2, failed: 0, positions: 300, startedAtMs: 1 };
const running: JobLive = {
  ...{ progress: done, isCancelled: false, isPaused: false, inFlight: 2 },
  positionsPerSecond: 7,
  undrained: 0,
};

function services(formats: readonly string[] = ['onnx']): JobStatusServices {
  const worker = { formats, inferenceThreads: 1 };
  return {
    toldProgress: createCache<Progress>({ maxEntries: 10 }),
    formatOf: async () => 'onnx',
    workerRegistry: { list: async () => [worker] },
  } as unknown as JobStatusServices;
}
const ask = (live: Partial<JobLive> = {}, record: Partial<JobRecord> = {}, of = services()) =>
  statusOf(of, 'default', { ...job, ...record }, { ...running, ...live });
const unknown = { positionsPerSecond: null, etaSeconds: null };

test('the ETA is of what is left, at the rate of the last minute', async () => {
  expect(await ask()).toMatchObject({ positionsPerSecond: 7, etaSeconds: 100 });
});

test('failed images have nothing left to do, and those not begun all of it', async () => {
  const failed = { ...done, completed: 2, failed: 4, positions: 200 };
  expect(await ask({ progress: failed })).toMatchObject({ etaSeconds: 57.1 });
  // Shards that ran twice: four images are not begun, whatever was counted.
  const twice = { ...done, completed: 4, positions: 990 };
  expect(await ask({ progress: twice })).toMatchObject({ etaSeconds: 57.1 });
});

test.each<[string, Partial<JobLive>, Partial<JobRecord>]>([
  ['nothing was finished in the last minute', { positionsPerSecond: null }, {}],
  ['it is paused', { isPaused: true }, {}],
  ['it is being cancelled', { isCancelled: true }, {}],
  ['it has not begun', {}, { state: 'queued' }],
  ['its archive is being written', {}, { state: 'finalizing' }],
])('neither rate nor ETA is known while %s', async (_, live, record) => {
  expect(await ask(live, record)).toMatchObject(unknown);
});

test('neither is known while it waits for a worker', async () => {
  const waiting = await ask({}, {}, services(['tfjs-layers']));
  expect(waiting).toMatchObject({ ...unknown, waitingFor: expect.stringContaining('onnx') });
});

test('the ETA alone is unknown where inputs vary in size, and where all is done', async () => {
  expect(await ask({}, { positionsPerImage: null })).toMatchObject({
    ...{ positionsPerSecond: 7, etaSeconds: null },
  });
  const all = { ...done, completed: 9, positions: 1_000 };
  expect(await ask({ progress: all, inFlight: 1 })).toMatchObject({ etaSeconds: null });
});

test('rows that Redis lost are left again, though the progress that was told stays', async () => {
  const shared = services();
  await ask({}, {}, shared);
  const recounted = { ...done, positions: 200 };
  expect(await ask({ progress: recounted }, {}, shared)).toMatchObject({
    ...{ positions: { done: 300 }, etaSeconds: 114.3 },
  });
});
