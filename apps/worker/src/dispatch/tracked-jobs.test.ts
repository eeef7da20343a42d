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
