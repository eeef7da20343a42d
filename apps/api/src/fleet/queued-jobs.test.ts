import { expect, test } from 'vitest';
import { waitOf } from './queued-jobs.js';

const idle = { inFlight: 0, isAtWork: false };

test.each([
  ['paused', null, idle, 'resume'],
  ['queued', 'a worker that runs onnx models', idle, 'worker'],
  ['validating', null, idle, 'dataset'],
  ['queued', null, idle, 'turn'],
  ['in_progress', null, { inFlight: 3, isAtWork: false }, 'turn'],
] as const)('a job that is %s, missing %s, waits', (state, waitingFor, work, reason) => {
  expect(waitOf({ state, waitingFor }, work)?.for).toBe(reason);
});

test.each([
  ['in_progress', { inFlight: 1, isAtWork: true }],
  ['finalizing', idle],
  ['cancelling', { inFlight: 1, isAtWork: false }],
] as const)('a job that is %s waits for nothing', (state, work) => {
  expect(waitOf({ state, waitingFor: null }, work)).toBeNull();
});
