import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { pairedDifference, summariseArm, summariseEffect } from './arms.js';

describe('pairedDifference', () => {
  // Method 10 of Newcombe 1998, whose table has the first row as 0.0569 to 0.3404; ends by the formula with
  // the Wilson intervals of statsmodels 0.15.0.
  test.each([
    [36, 12, 2, 0, 0.2, 0.0569295840032388, 0.3404276029749408],
    [1, 1, 7, 1, -0.6, -0.8376657646934098, -0.08619258605798963],
    [0, 4, 0, 0, 1, 0.30718973500360847, 1],
    [212, 144, 256, 707, -0.08491281273692192, -0.1141915328050671, -0.05543347268433288],
    [53, 16, 8, 9, 0.09302325581395349, -0.020104076887636088, 0.20391583525045315],
    [80, 0, 0, 20, 0, -0.02937008323996284, 0.02937008323996287],
  ])(
    'of %i, %i, %i and %i pairs equals the paper',
    (both, after, before, neither, mean, low, high) => {
      const found = pairedDifference({ both, after, before, neither });
      expect(found.mean).toBeCloseTo(mean, 12);
      expect(found.low).toBeCloseTo(low, 9);
      expect(found.high).toBeCloseTo(high, 9);
    },
  );

  test('has its value inside, within [-1, 1], and turns around with time', () => {
    const count = fc.integer({ min: 0, max: 300 });
    fc.assert(
      fc.property(count, count, count, count, (both, before, after, neither) => {
        fc.pre(both + before + after + neither > 0);
        const { mean, low, high } = pairedDifference({ both, before, after, neither });
        expect(low).toBeLessThanOrEqual(mean + 1e-12);
        expect(high).toBeGreaterThanOrEqual(mean - 1e-12);
        expect(low).toBeGreaterThanOrEqual(-1);
        expect(high).toBeLessThanOrEqual(1);
        const back = pairedDifference({ both, before: after, after: before, neither });
        expect(back.low).toBeCloseTo(-high, 9);
      }),
    );
  });
});

describe('summariseArm', () => {
  test('counts what is right, and what is predicted as the class', () => {
    const pairs = [
      { expected: 1, before: 1, after: 1 },
      { expected: 1, before: 1, after: 2 },
      { expected: 1, before: 1, after: -2 },
      { expected: 1, before: 2, after: 1 },
      { expected: 2, before: 2, after: 1 },
      { expected: 2, before: -2, after: -2 },
    ];
    const arm = summariseArm(pairs, { classIndex: 1 });
    expect(arm).toMatchObject({ images: 6, before: 4 / 6, after: 2 / 6 });
    expect(arm.difference).toEqual(pairedDifference({ both: 1, before: 3, after: 1, neither: 1 }));
    expect(arm.asClass).toMatchObject({ before: 3 / 6, after: 3 / 6 });
    expect(arm.asClass.difference).toEqual(
      pairedDifference({ both: 1, before: 2, after: 2, neither: 1 }),
    );
  });

  test('of images without a label has all of them right before', () => {
    const pairs = [-2, 3, 3].map((after) => ({ expected: null, before: 3, after }));
    expect(summariseArm(pairs, { classIndex: null })).toMatchObject({
      before: 1,
      after: 2 / 3,
      asClass: { before: 0, after: 0 },
    });
  });

  test('refuses no images', () => {
    expect(() => summariseArm([], { classIndex: 0 })).toThrow('Expected images');
  });
});

describe('summariseEffect', () => {
  const pairsOf = (afters: readonly number[]) =>
    afters.map((after, index) => ({ expected: index === 3 ? null : 1, before: 1, after }));

  test('sets what was done against the control, image by image', () => {
    const own = pairsOf([2, 2, 1, 1, 1, 0]);
    const control = pairsOf([1, 1, 1, 1, 2, 0]);
    const right = pairedDifference({ both: 2, before: 2, after: 1, neither: 1 });
    const asClass = pairedDifference({ both: 0, before: 1, after: 2, neither: 3 });
    expect(summariseEffect({ own, control }, { classIndex: 2 })).toEqual({ right, asClass });
  });

  test('refuses other images than those of the control', () => {
    const control = pairsOf([1, 1]);
    expect(() => summariseEffect({ own: [], control }, { classIndex: 2 })).toThrow('same images');
  });
});
