import { expect, test } from 'vitest';
import { jobDifferences } from './job-differences.js';

const settings = {
  patch: { height: 16, width: 32 },
  stride: { y: 8, x: 8 },
  edge: 'clip',
  fill: { kind: 'constant', value: 0, space: 'normalized' },
  target: { kind: 'predicted' },
  score: 'probability',
  strategy: 'auto',
  allowGaps: false,
  refine: null,
  faithfulness: null,
} as const;
const job = { dataset: 'ds_a', model: { name: 'tiny', digest: 'a'.repeat(64) }, settings };

test('jobs that do the same differ in nothing, however they go about it', () => {
  expect(jobDifferences(job, { ...job, settings: { ...settings, strategy: 'dense' } })).toEqual([]);
});

test('what differs is told, and nothing else', () => {
  const other = {
    dataset: 'ds_b',
    model: { name: 'big', digest: 'b'.repeat(64) },
    settings: {
      ...settings,
      patch: [
        { height: 8, width: 8 },
        { height: 16, width: 16 },
      ],
      fill: { kind: 'blur', sigma: 10 },
      target: { kind: 'top', k: 3 },
      refine: { every: 5, share: 0.25 },
    },
  } as const;
  expect(jobDifferences(job, other)).toEqual([
    { name: 'Model', a: 'tiny', b: 'big' },
    { name: 'Photos', a: 'ds_a', b: 'ds_b' },
    { name: 'Patch', a: '32 × 16 px', b: '8 × 8, 16 × 16 px' },
    { name: 'Fill', a: '0', b: 'blur:10' },
    { name: 'Target', a: 'predicted', b: 'top:3' },
    { name: 'Refine', a: 'no', b: 'every 5, share 0.25' },
  ]);
});

test('two versions of a model of one name are told apart', () => {
  const other = { ...job, model: { ...job.model, digest: 'b'.repeat(64) } };
  expect(jobDifferences(job, other)).toEqual([
    { name: 'Version', a: 'aaaaaaaaaaaa', b: 'bbbbbbbbbbbb' },
  ]);
});
