import { describe, expect, test } from 'vitest';
import { type CheckedOrder, summariseOrder } from './order.js';

const order = (deletion: number, insertion: number): CheckedOrder => ({
  deletion,
  insertion,
  randomDeletion: 0.5,
  randomInsertion: 0.5,
});

describe('summariseOrder', () => {
  test('of no images is null', () => {
    expect(summariseOrder([], { steps: 20, seed: 1 })).toBeNull();
  });

  test('counts all flips of signs of few images', () => {
    const checked = [order(0.1, 0.4), order(0.2, 0.8), order(0.3, 0.9), order(0.4, 0.7)];
    const found = summariseOrder(checked, { steps: 20, seed: 1 });
    expect(found).toMatchObject({ images: 4, steps: 20 });
    expect(found?.deletion.mean).toBeCloseTo(0.25, 12);
    expect(found?.insertion.mean).toBeCloseTo(0.7, 12);
    expect(found?.randomDeletion).toEqual({ mean: 0.5, low: 0.5, high: 0.5 });
    // Every map is better at deletion: 1 of 2^4 flips. At insertion gains are -0.1, 0.3, 0.4, 0.2: 2 of 16, as
    // scipy 1.17.1, stats.permutation_test(..., permutation_type='samples', alternative='greater').
    expect(found?.p).toEqual({ deletion: 1 / 16, insertion: 2 / 16 });
  });

  test('finds no order better than random where it is the same', () => {
    const checked = Array.from({ length: 16 }, () => order(0.5, 0.5));
    expect(summariseOrder(checked, { steps: 20, seed: 1 })?.p).toEqual({
      deletion: 1,
      insertion: 1,
    });
  });
});
