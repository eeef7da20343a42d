import { imageIdAt } from '@umbra/shared/ids';
import { expect, test } from 'vitest';
import type { ImageProgress, ImageResult } from '../api/images.js';
import {
  classNamer,
  predictedIndexOf,
  scoresFile,
  stepImage,
  winnersFile,
} from './result-files.js';

const patches = [8, 16].map((side) => ({ height: side, width: side }));
const grids = patches.map((patch, index) => ({
  patch,
  flips: [{ index: index + 5, label: `flip ${index}`, positions: [0] }],
}));
const result = {
  grids,
  files: ['scores-8x8.npy', 'scores-16x16.npy', 'winners-8x8.npy', 'predicted-classes-16x16.npy'],
  targets: [{ index: 1, label: 'cat', score: 0.5 }],
  predicted: { index: 1, label: 'cat', probability: 0.5 },
} as unknown as ImageResult;

test('arrays of several patch sizes end in theirs, whatever version named them', () => {
  expect(scoresFile(result, 1, 2)).toBe('scores-16x16.npy');
  expect(winnersFile(result, 0, 2)).toBe('winners-8x8.npy');
  expect(winnersFile(result, 1, 2)).toBe('predicted-classes-16x16.npy');
  expect(scoresFile(result, 0, 1)).toBe('scores.npy');
});

const running = (predicted: object | null) =>
  ({
    state: 'running',
    partial: { targets: predicted === null ? [] : result.targets, predicted },
  }) as unknown as ImageProgress;

test('classes have the names that the result tells', () => {
  const nameOf = classNamer({ state: 'finished', result });
  expect([1, 5, 6, 7, -1, -2].map(nameOf)).toEqual([
    ...['cat', 'flip 0', 'flip 1', 'class 7'],
    ...['interpolated', 'no class'],
  ]);
});

test('a class that a running image does not name yet has its number, not the name of another', () => {
  expect([1, 5].map(classNamer(running(result.predicted)))).toEqual(['cat', 'class 5']);
  expect(classNamer(running(null))(1)).toBe('class 1');
});

test('below its threshold the predicted class is none', () => {
  expect(predictedIndexOf(running(null))).toBeNull();
  expect(predictedIndexOf(running(result.predicted))).toBe(1);
  expect(predictedIndexOf(running({ ...result.predicted, aboveThreshold: false }))).toBe(-2);
});

test('images are stepped through in the order of the dataset', () => {
  expect(stepImage(imageIdAt(9), 1, 11)).toBe(imageIdAt(10));
  expect(stepImage(imageIdAt(0), -1, 11)).toBeNull();
  expect(stepImage(imageIdAt(10), 1, 11)).toBeNull();
  expect(stepImage('none', 1, 11)).toBeNull();
});
