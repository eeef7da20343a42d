import { expect, test } from 'vitest';
import { flipMatrix } from './flip-matrix.js';

const flip = (from: string, to: string | null, images: number, share: number) => ({
  from: { index: 0, label: from },
  to: to === null ? null : { index: 1, label: to },
  ...{ images, share, positions: images, examples: [] },
});

test('a matrix has the classes with the most flips, and what wins over each', () => {
  const flips = [flip('a', 'b', 50, 0.5), flip('b', null, 20, 0.1), flip('c', 'b', 1, 0.01)];
  expect(flipMatrix(flips, 3)).toEqual({
    classes: ['b', 'a', 'no class'],
    shares: [
      [0, 0, 0.1],
      [0.5, 0, 0],
      [0, 0, 0],
    ],
  });
  expect(flipMatrix([], 3)).toEqual({ classes: [], shares: [] });
});
