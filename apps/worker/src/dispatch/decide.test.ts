import type { JobLive } from '@umbra/platform/redis/job-progress';
import { type JobRecord, newJobDefaults } from '@umbra/shared/contracts/job';
import { occlusionSettings } from '@umbra/shared/contracts/settings';
import { describe, expect, test } from 'vitest';
import { decide } from './decide.js';

const at = Date.parse('2030-01-01T00:00:00.000Z');
const job = (changes: Partial<JobRecord> = {}): JobRecord => ({
  ...newJobDefaults,
  id: `job_${'0'.repeat(20)}`,
  dataset: `ds_${'0'.repeat(20)}`,
  model: { name: 'tiny', digest: 'a'.repeat(64) },
  settings: occlusionSettings.parse({}),
  counts: { total: 10, completed: 0, failed: 0 },
  createdAt: new Date(at - 60_000).toISOString(),
  state: 'in_progress',
  ...changes,
});
const live = (changes: Partial<JobLive> = {}, completed = 1, failed = 0): JobLive => ({
  progress: {
    cursor: { index: 2, offset: 0 },
    completed,
    failed,
    positions: 0,
    startedAtMs: 0,
  },
  isCancelled: false,
  isPaused: false,
  inFlight: 1,
  positionsPerSecond: null,
  undrained: 0,
  ...changes,
});
const past = new Date(at - 1).toISOString();

describe('decide', () => {
  test.each<[string, JobRecord, JobLive, string]>([
    ['runs', job(), live(), 'dispatch'],
    ['waits for its dataset', job({ state: 'validating' }), live({ progress: null }), 'validate'],
    ['was queued', job({ state: 'queued' }), live({ progress: null }), 'start'],
    ['was lost with Redis', job(), live({ progress: null }), 'start'],
    ['is paused', job(), live({ isPaused: true }), 'pause'],
    ['stays paused', job({ state: 'paused' }), live({ isPaused: true }), 'wait'],
    ['is resumed', job({ state: 'paused' }), live(), 'resume'],
    ['is finished', job(), live({}, 7, 3), 'finalize'],
    ['is finished though it is paused', job({ state: 'paused' }), live({}, 10), 'finalize'],
    ['has its archive written', job({ state: 'finalizing' }), live(), 'finalize'],
    ['is final', job({ state: 'expired' }), live(), 'forget'],
    ['is over its time but finished', job({ expiresAt: past }), live({}, 10), 'finalize'],
    ['is within its error threshold', job({ errorThreshold: 0.3 }), live({}, 1, 3), 'dispatch'],
  ])('gives the next step of a job that %s', (_name, record, state, expected) => {
    expect(decide(record, state, at).do).toBe(expected);
  });

  test('refuses to go on with a model that is set aside, and ends what is finished', () => {
    expect(decide(job(), live(), at, true).do).toBe('refuse');
    expect(decide(job({ state: 'queued' }), live({ progress: null }), at, true).do).toBe('refuse');
    expect(decide(job(), live({}, 7, 3), at, true).do).toBe('finalize');
    const cancellingAt = new Date(at).toISOString();
    expect(decide(job({ state: 'cancelling', cancellingAt }), live(), at, true).do).toBe('wait');
  });

  test.each<[string, JobRecord, JobLive]>([
    ['cancelled', job(), live({ isCancelled: true })],
    ['cancelled', job({ state: 'validating' }), live({ isCancelled: true, progress: null })],
    ['cancelled', job({ state: 'paused' }), live({ isCancelled: true, isPaused: true })],
    ['expired', job({ expiresAt: past }), live()],
    ['expired', job({ expiresAt: past, state: 'queued' }), live({ progress: null })],
    ['failed', job({ errorThreshold: 0.3 }), live({}, 1, 4)],
    ['failed', job({ errorThreshold: 0 }), live({}, 1, 1)],
  ])('ends a job that is to be %s', (state, record, at_) => {
    expect(decide(record, at_, at)).toMatchObject({ do: 'end', ending: { state } });
  });

  test('waits for the running work of a job that ends, up to a limit', () => {
    const cancelling = (agoMs: number) =>
      job({ state: 'cancelling', cancellingAt: new Date(at - agoMs).toISOString() });
    expect(decide(cancelling(100), live({ isCancelled: true }), at).do).toBe('wait');
    expect(decide(cancelling(100), live({ isCancelled: true, inFlight: 0 }), at).do).toBe(
      'finalize',
    );
    expect(decide(cancelling(5_000), live({ isCancelled: true }), at).do).toBe('finalize');
  });
});
