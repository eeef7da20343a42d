import { expect, test } from 'vitest';
import { createRunningSteps, describeWork } from './running-work.js';

const payload = {
  ...{ version: 3, tenant: 'acme', jobId: 'job_1', rowStart: 0, rowEnd: 4 },
  item: { id: 'img_00000000', name: 'secret.png' },
  model: { name: 'tiny', digest: 'd' },
};

test('work is told by its ids from when it begins until it ends', () => {
  const steps = createRunningSteps();
  const end = steps.begin('shard-tfjs', payload);
  expect(steps.list()).toEqual([
    {
      ...{ step: 'shard', tenant: 'acme', job: 'job_1', image: 'img_00000000', model: 'tiny' },
      ...{ rows: { start: 0, end: 4 }, ranMs: expect.any(Number) },
    },
  ]);
  end();
  expect(steps.list()).toEqual([]);
});

test('what is of no tenant is not told, and what is missing is null', () => {
  expect(describeWork('dispatch', { version: 1 })).toBeNull();
  expect(describeWork('merge', undefined)).toBeNull();
  expect(describeWork('ingest', { tenant: 'acme', dataset: 'ds_1' })).toEqual({
    ...{ step: 'ingest', tenant: 'acme', job: null, image: null, rows: null, model: null },
  });
});
