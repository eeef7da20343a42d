import type { WorkerAtWork } from '@umbra/platform/redis/worker-registry';
import { expect, test } from 'vitest';
import { showTo } from './worker-routes.js';

const since = new Date(0).toISOString();
const workOf = (tenant: string) => ({
  step: 'shard' as const,
  ...{ tenant, job: `job_of_${tenant}`, image: 'img_00000000', rows: null, model: 'tiny', since },
});
const atWork: WorkerAtWork = {
  worker: { id: 'w', formats: ['onnx'], inferenceThreads: 2, backends: {}, seenAt: since },
  running: [workOf('acme'), workOf('other'), workOf('other')],
};

test.each([
  ['acme', 'read'],
  ['acme', 'admin'],
  ['default', 'submit'],
] as const)(
  'tenant %s with scope %s sees its own work, and how much is of others',
  (tenant, scope) => {
    const own = workOf(tenant);
    const seen = showTo(
      { tenant, scopes: [scope] },
      { ...atWork, running: [own, workOf('other'), workOf('other')] },
    );
    expect(seen).toMatchObject({ running: [own], othersRunning: 2 });
    expect(JSON.stringify(seen)).not.toContain('job_of_other');
  },
);

test('an admin of the default tenant sees the work of all', () => {
  const seen = showTo({ tenant: 'default', scopes: ['admin'] }, atWork);
  expect(seen).toMatchObject({ running: atWork.running, othersRunning: 0 });
});
