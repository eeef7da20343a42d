import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  assertKey,
  jobEntryOfKey,
  keys,
  partOffsetOfKey,
  rowsOfKey,
  segmentOfKey,
} from './keys.js';

describe('assertKey', () => {
  test.each(['a', 'a/b', '.a', '..a', 'a..', 'a b', 'é/日本', '%2e%2e', 'x'.repeat(1024)])(
    'takes %j',
    (key) => {
      expect(() => assertKey(key)).not.toThrow();
    },
  );

  test.each([
    '',
    '/',
    '.',
    '..',
    '/a',
    'a/',
    'a//b',
    '../a',
    'a/..',
    'a/./b',
    'a\\b',
    'a\tb',
    'é'.repeat(513),
  ])('refuses %j', (key) => {
    expect(() => assertKey(key)).toThrowError(expect.objectContaining({ code: 'invalid_input' }));
  });

  test('whatever it takes resolves below the root', () => {
    const segment = fc.oneof(fc.constantFrom('.', '..', '', 'a', '\\', '\0'), fc.string());
    fc.assert(
      fc.property(fc.array(segment, { maxLength: 5 }), (segments) => {
        const key = segments.join('/');
        try {
          assertKey(key);
        } catch {
          return;
        }
        expect(posix.join('/store', key).startsWith('/store/')).toBe(true);
      }),
    );
  });
});

test('every layout is a key', () => {
  const made = [
    keys.currentModel('net'),
    keys.modelFile('net', 'digest', 'model.onnx'),
    keys.apiKey('abcdefgh'),
    keys.tenant('default'),
    keys.dataset('default', 'ds_1'),
    keys.manifest('default', 'ds_1'),
    keys.refusals('default', 'ds_1'),
    keys.image('default', 'ds_1', 'sha'),
    keys.job('default', 'job_1'),
    keys.activeJob('default', 'job_1'),
    keys.archive('default', 'job_1'),
    keys.result('default', 'job_1', 'img_1', 'scores.npy'),
    keys.error('default', 'job_1', 'img_1'),
    keys.pendingReport('default', 'job_1'),
    keys.pendingTrial('default', 'job_1', 'trial_1'),
    keys.reportRequest('default', 'job_1'),
    keys.reportStatus('default', 'job_1'),
    keys.report('default', 'job_1'),
    keys.reportTable('default', 'job_1'),
    keys.reportMembers('default', 'job_1'),
    keys.reportCrop('default', 'job_1', 'img_1'),
    keys.evidenceSegment('default', 'job_1', 1024),
    keys.trial('default', 'job_1', 'trial_1'),
    keys.trialCancellation('default', 'job_1', 'trial_1'),
  ];
  for (const key of made) expect(() => assertKey(key)).not.toThrow();
  expect(new Set(made).size).toBe(made.length);
  expect(keys.apiKey('p').startsWith(keys.apiKeys())).toBe(true);
  expect(keys.dataset('t', 'd').startsWith(keys.datasets('t'))).toBe(true);
  expect(keys.activeJob('t', 'j').startsWith(keys.activeJobs('t'))).toBe(true);
  expect(keys.result('t', 'j', 'i', 'result.json').startsWith(keys.results('t', 'j'))).toBe(true);
  expect(keys.error('t', 'j', 'i').startsWith(keys.errors('t', 'j'))).toBe(true);
});

test('numbers in keys are parsed back', () => {
  fc.assert(
    fc.property(
      fc.nat(99_999_999),
      fc.nat(),
      fc.nat(),
      fc.nat(),
      (index, images, bytes, refused) => {
        const segment = { stream: 's-1', index, images, bytes, refused };
        expect(segmentOfKey(keys.segment('t', 'd', segment))).toEqual(segment);
        const rows = { rowStart: images, rowEnd: bytes };
        expect(rowsOfKey(keys.rows('t', 'aabb', rows))).toEqual(rows);
        expect(partOffsetOfKey(keys.part('t', 'd', { source: 's', offset: bytes }))).toBe(bytes);
      },
    ),
  );
});

test('the layout of stored data stays', () => {
  expect(keys.segment('t', 'd', { stream: 's', index: 3, images: 1, bytes: 22, refused: 0 })).toBe(
    'tenants/t/datasets/d/segments/s/00000003-1-22-0.jsonl',
  );
  expect(keys.part('t', 'd', { source: 's', offset: 8 })).toBe(
    'tenants/t/datasets/d/parts/s/0000000000000008',
  );
  expect(keys.datasetEntry('t', { id: 'd', createdAt: '2026-01-02T03:04:05.678Z' })).toBe(
    'tenants/t/datasets-by-time/01767323045678-d',
  );
  const job = { id: 'job_1', createdAt: '2026-01-02T03:04:05.678Z' };
  expect(keys.jobEntry('t', job)).toBe('tenants/t/jobs-by-age/98232676954321-job_1');
  expect(jobEntryOfKey(keys.jobEntry('t', job))).toEqual({
    ...{ id: job.id, createdMs: Date.parse(job.createdAt) },
  });
  expect(keys.rows('t', 'aabb', { rowStart: 0, rowEnd: 8 })).toBe(
    'tenants/t/rows/aa/aabb/0-8.json.gz',
  );
  expect(keys.evidenceSegment('t', 'job_1', 1024)).toBe(
    'tenants/t/jobs/job_1/report/evidence/00001024.bin.gz',
  );
  expect(keys.datasetWork('t', 'd')).toEqual(
    ['segments/', 'sources/', 'lines/', 'parts/'].map((name) => `tenants/t/datasets/d/${name}`),
  );
});
