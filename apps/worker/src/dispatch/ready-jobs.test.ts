import { expect, test } from 'vitest';
import { createReadyJobs } from './ready-jobs.js';
import type { LoadedJob } from './tracked-job.js';

const jobOf = (tenant: string, jobId: string, priority = 0): LoadedJob =>
  ({
    tenant,
    jobId,
    job: { priority, interactive: false },
    loaded: { queue: 'shard' },
  }) as unknown as LoadedJob;
const idsOf = (jobs: readonly LoadedJob[]) => jobs.map(({ jobId }) => jobId);

test('of each tenant the most urgent jobs take turns, and all of many in rotation', () => {
  const ready = createReadyJobs();
  const many = Array.from({ length: 100 }, (_, index) => jobOf('a', `a${index}`));
  for (const one of many) ready.add(one);
  const urgent = jobOf('b', 'urgent', 5);
  for (const one of [jobOf('b', 'later'), urgent]) ready.add(one);
  expect(idsOf(ready.next('shardTfjs', 'batch'))).toEqual([]);
  expect(idsOf(ready.next('shard', 'interactive'))).toEqual([]);
  const seen = new Set<string>();
  for (let turn = 0; turn < 100; turn += 1) {
    const next = ready.next('shard', 'batch');
    expect(idsOf(next.filter(({ tenant }) => tenant === 'b'))).toEqual(['urgent']);
    const [first] = next;
    if (first === undefined) throw new Error('Expected a job');
    seen.add(first.jobId);
    ready.rotate(first);
  }
  expect(seen.size).toBe(100);
  ready.remove(urgent);
  expect(idsOf(ready.next('shard', 'batch'))).toContain('later');
  expect(ready.count()).toBe(101);
});
