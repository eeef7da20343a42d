import type { ReportDifference } from '@umbra/client';
import { expect, test } from 'vitest';
import { formatDifference } from './difference-summary.js';

const unknown = { a: null, b: null, difference: null, low: null, high: null };

test('a difference tells what was, what is, and the change with its interval', () => {
  const difference: ReportDifference = {
    ...{
      version: 1,
      a: 'job_old',
      b: 'job_new',
      onlyA: ['cat'],
      onlyB: [],
      notes: ['Other units.'],
    },
    metrics: {
      drop: { a: 0.5, b: 0.25, difference: -0.25, low: -0.5, high: 0.125 },
      accuracy: unknown,
      suspects: { a: 12, b: 9, difference: -3, low: null, high: null },
    },
    classes: [
      {
        ...{ class: 'dog', images: { a: 3, b: 4 }, accuracy: unknown, border: unknown },
        drop: { a: 0.5, b: 0.75, difference: 0.25, low: null, high: null },
        ...{ offObject: unknown, similarity: 0.5, atlas: null },
      },
    ],
  };
  expect(formatDifference(difference).split('\n')).toEqual([
    'Job job_new against job job_old',
    '',
    'number    before  now    change',
    '--------  ------  -----  -------------------------',
    'drop      0.500   0.250  -0.250 (-0.500 to +0.125)',
    'accuracy',
    'suspects  12      9      -3',
    '',
    'class  images  drop before  now    change  off the object: change  maps alike',
    '-----  ------  -----------  -----  ------  ----------------------  ----------',
    'dog    3 / 4   0.500        0.750  +0.250                          0.500',
    '',
    'Only in job_old: cat',
    'Note: Other units.',
  ]);
});
