import type { OcclusionSettings } from '@umbra/shared/contracts/settings';
import { AppError } from '@umbra/shared/errors';
import { describe, expect, test } from 'vitest';
import { argmax, scoreOf, softmaxAt } from './scores.js';
import { assertTarget, targetIndices } from './targets.js';

describe('scores', () => {
  const logits = Float32Array.of(2, -1, 0.5, 3);
  const p = (index: number) => softmaxAt(logits, index);

  test('log-odds is ln(p / (1 - p)), from logits and from probabilities', () => {
    const probabilities = Float32Array.from(logits, (_, index) => p(index));
    for (const index of logits.keys()) {
      const expected = Math.log(p(index) / (1 - p(index)));
      expect(scoreOf(logits, index, 'log-odds', 'logits')).toBeCloseTo(expected, 10);
      expect(scoreOf(probabilities, index, 'log-odds', 'probabilities')).toBeCloseTo(expected, 5);
    }
  });

  test('log-odds keeps its digits where the probability has lost them, and stays finite', () => {
    const sure = Float32Array.of(200, 0, 0);
    expect(scoreOf(sure, 0, 'probability', 'logits')).toBe(1);
    expect(scoreOf(sure, 0, 'log-odds', 'logits')).toBeCloseTo(200 - Math.log(2), 10);
    for (const index of [0, 1]) {
      const odds = scoreOf(Float32Array.of(1, 0), index, 'log-odds', 'probabilities');
      expect(Number.isFinite(odds)).toBe(true);
    }
  });

  test('the first of equal classes wins', () => {
    expect(argmax(Float32Array.of(1, 3, 3, 2))).toBe(1);
  });
});

describe('targets', () => {
  const row = Float32Array.of(1, 5, 3, 5);
  const labels = ['ant', 'bee', 'cat', 'dog'];
  const at = (target: OcclusionSettings['target'], label?: number | string) =>
    targetIndices(target, row, labels, label);

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
