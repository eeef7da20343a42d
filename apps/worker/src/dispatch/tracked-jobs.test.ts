import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createFsStore } from '@umbra/platform/store/fs-store';
import { keys } from '@umbra/platform/store/keys';
import { notFound } from '@umbra/shared/errors';
import { expect, test, vi } from 'vitest';
import type { StopFailedServices } from '../jobs/stop-failed.js';
import { newTrackedJob } from './tracked-job.js';
import { createTrackedJobs } from './tracked-jobs.js';

test('a job that was never made leaves nothing: its marker goes last', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'umbra-tracked-'));
  const store = createFsStore(folder);
  const progress = { unregister: vi.fn(async () => undefined) };
  const services = { store, progress, logger: { warn: vi.fn() } } as unknown as StopFailedServices;
  // A process that died as it made the job left its webhook's secret, and no record.
  await store.put(keys.activeJob('acme', 'job_1'), '');
  await store.put(keys.webhookSecret('acme', 'job_1'), '{}');
  const tracked = createTrackedJobs(services, () => undefined);
  const lost = () => Promise.reject(notFound('no record'));
  tracked.change(newTrackedJob('acme', 'job_1', Date.now()), lost);
  await tracked.settle();
  expect(await store.head(keys.webhookSecret('acme', 'job_1'))).not.toBeNull();
  tracked.change(newTrackedJob('acme', 'job_1', Date.now() - 61_000), lost);
  await tracked.settle();
  for await (const { key } of store.list('')) expect(key).toBe('');
  expect(progress.unregister).toHaveBeenCalledExactlyOnceWith('job_1');
  await rm(folder, { recursive: true, force: true });
});

/** @param registered Tenants by job. */
function openTracked(registered: ReadonlyMap<string, string>) {
  const takeChanged = vi.fn(async () => new Map<string, string | null>());
  const progress = { takeChanged, listRegistered: async () => registered };
  const services = { progress, logger: { warn: vi.fn() } } as unknown as StopFailedServices;
  return { takeChanged, tracked: createTrackedJobs(services, () => undefined) };
}

const jobsOf = (tenant: string, count: number): [string, string][] =>
  Array.from({ length: count }, (_, index) => [`job_${tenant}_${index}`, tenant]);

test('a job that is told of is looked at before ten thousand that wait since before', async () => {
  const registered = new Map([...jobsOf('many', 10_000), ['job_told', 'many'] as const]);
  const { takeChanged, tracked } = openTracked(registered);
  await tracked.sync();
  expect(tracked.takeDue(Date.now()).map(({ jobId }) => jobId)).not.toContain('job_told');
  takeChanged.mockResolvedValueOnce(new Map([['job_told', 'many']]));
  await tracked.sync();
  expect(tracked.takeDue(Date.now())[0]?.jobId).toBe('job_told');
  expect(tracked.hasMore()).toBe(true);
});

test("after a takeover, a tenant's job is looked at beside thousands of another's", async () => {
  const { tracked } = openTracked(new Map([...jobsOf('many', 5_000), ...jobsOf('few', 3)]));
  await tracked.sync();
  const first = tracked.takeDue(Date.now());
  expect(first.filter(({ tenant }) => tenant === 'few')).toHaveLength(3);
});

test('each job is taken once, however often it was told of', async () => {
  const registered = new Map(jobsOf('acme', 200));
  const { takeChanged, tracked } = openTracked(registered);
  takeChanged.mockResolvedValueOnce(new Map(jobsOf('acme', 100)));
  await tracked.sync();
  const taken: string[] = [];
  for (let round = 0; round < 10; round += 1) {
    for (const job of tracked.takeDue(Date.now())) {
      job.dueMs = Number.POSITIVE_INFINITY;
      taken.push(job.jobId);
    }
  }
  expect(taken.toSorted()).toEqual([...registered.keys()].toSorted());
  expect(tracked.hasMore()).toBe(false);
});

test('jobs that are only found are looked at beside thousands that are told of again and again', async () => {
  const restless = jobsOf('many', 2_000);
  const { takeChanged, tracked } = openTracked(new Map([...restless, ...jobsOf('few', 5)]));
  takeChanged.mockResolvedValue(new Map(restless));
  await tracked.sync();
  expect(tracked.takeDue(Date.now()).filter(({ tenant }) => tenant === 'few')).toHaveLength(5);
});
