import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { AppError } from '@umbra/shared/errors';
import { describe, expect, test } from 'vitest';
import { createOutputHead } from './output-head.js';
import { assertTarget, targetIndices } from './targets.js';

describe('targets', () => {
  const row = Float32Array.of(1, 5, 3, 5);
  const labels = ['ant', 'bee', 'cat', 'dog'];
  const head = createOutputHead({ name: 'four', output: { kind: 'logits' } }, 4);
  const rank = (k: number) => head.rank(row, k);
  const at = (target: OcclusionSettings['target'], label?: number | string) =>
    targetIndices(target, rank, labels, label);

  test('top k: the largest first, of equals the first', () => {
    expect(at({ kind: 'top', k: 3 })).toEqual([1, 3, 2]);
    expect(at({ kind: 'predicted' })).toEqual([1]);
  });

  test('the label of the image, by index or by name', () => {
    expect(at({ kind: 'label' }, 2)).toEqual([2]);
    expect(at({ kind: 'label' }, 'Dog')).toEqual([3]);
  });

  test.each([
    [{ kind: 'label' }, undefined, 'Expected the image to have a label'],
    [{ kind: 'label' }, 4, 'Expected the label to be below 4, got 4'],
    [{ kind: 'label' }, 'cow', "Expected the label to be a class of the model, got 'cow'"],
    [{ kind: 'top', k: 5 }, undefined, "at most the model's 4 classes, got 5"],
    [{ kind: 'class', index: 9 }, undefined, 'Expected target.index to be below 4, got 9'],
  ] as const)('%j with label %j is refused', (target, label, message) => {
    expect(() => at(target, label)).toThrow(message);
    expect(() => at(target, label)).toThrow(AppError);
  });

  test('a label is not asked for before there is an image', () => {
    expect(() => assertTarget({ kind: 'label' }, labels)).not.toThrow();
    expect(() => assertTarget({ kind: 'top', k: 5 }, labels)).toThrow('got 5');
  });
});
