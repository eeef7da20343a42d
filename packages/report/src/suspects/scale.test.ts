import { describe, expect, test } from 'vitest';
import { mapDistance, meanWithout } from './class-maps.js';
import { isSuspect, scaleOf, zOf } from './scale.js';
import { findUnusualZone } from './zones.js';

const distances = [0.11, 0.12, 0.1, 0.15, 0.13, 0.09, 0.14, 0.2, 0.16, 0.12, 0.9, 0.17];

describe('scaleOf', () => {
  test('equals scipy', () => {
    // stats.median_abs_deviation of scipy 1.17.1: median 0.135, MAD 0.025.
    const scale = scaleOf(distances);
    if (scale === null) throw new Error('Expected a scale');
    expect(scale.median).toBeCloseTo(0.135, 12);
    expect(zOf(0.9, scale)).toBeCloseTo((0.6745 * 0.765) / 0.025, 9);
    expect(distances.filter((distance) => isSuspect(distance, scale))).toEqual([0.9]);
  });

  test('of fewer than 10 is not known', () => {
    expect(scaleOf(distances.slice(0, 9))).toBeNull();
  });

  test('where most are equal, measures by the mean deviation', () => {
    const scale = scaleOf([...Array.from({ length: 19 }, () => 0.2), 0.6]);
    expect(scale?.spread).toBeCloseTo(1.253314 * 0.02, 12);
    const same = scaleOf(Array.from({ length: 12 }, () => 0.2));
    expect(same && zOf(0.9, same)).toBe(0);
  });

  test('calls no map a suspect that is nearly its class', () => {
    const scale = { median: 0.001, spread: 0.0001 };
    expect(isSuspect(0.04, scale)).toBe(false);
    expect(isSuspect(0.06, scale)).toBe(true);
  });
});

describe('mapDistance', () => {
  test('equals scipy over the cells that both have', () => {
    // spatial.distance.cosine of scipy 1.17.1.
    const map = Float32Array.of(1, 2, 0, 3, Number.NaN, 7);
    const other = Float64Array.of(2, 1, 1, 1, 5, Number.NaN);
    expect(mapDistance(map, other)).toBeCloseTo(0.2928932188134523, 9);
  });

  test('of a map without evidence is 1, and unknown where the class has none', () => {
    expect(mapDistance(Float32Array.of(0, 0), Float64Array.of(1, 2))).toBe(1);
    expect(mapDistance(Float32Array.of(1, 2), Float64Array.of(0, Number.NaN))).toBeNull();
  });
});

test('meanWithout takes the image out of its class', () => {
  const group = {
    class: { index: 0, label: 'cat' },
    sum: Float64Array.of(6, 2, 4),
    counts: Uint32Array.of(3, 1, 2),
  };
  expect(meanWithout(group, Float32Array.of(3, 2, Number.NaN))).toEqual(
    Float64Array.of(1.5, Number.NaN, 2),
  );
});

describe('findUnusualZone', () => {
  const at = (row: number, column: number) =>
    Float32Array.from({ length: 256 }, (_, cell) => (cell === 16 * row + column ? 1 : 0));

  test.each([
    [0, 0, 'in the upper left'],
    [5, 6, 'at the top'],
    [10, 10, 'in the middle'],
    [11, 11, 'in the lower right'],
  ])('names the ninth of row %i and column %i: %s', (row, column, name) => {
    const elsewhere = Float64Array.from(at(8, 1));
    expect(findUnusualZone(at(row, column), elsewhere)).toEqual({ name, own: 1, usual: 0 });
  });

  test('is null without positive evidence', () => {
    expect(findUnusualZone(new Float32Array(256), Float64Array.from(at(1, 1)))).toBeNull();
    expect(findUnusualZone(at(1, 1), new Float64Array(256).fill(-1))).toBeNull();
  });
});
