import { describe, expect, it } from 'vitest';
import { judge, robustSlope } from './flatness.mjs';

const minute = 60_000;
/** @param {(minute: number) => number} valueAt */
const points = (valueAt) =>
  Array.from({ length: 60 }, (_, index) => ({
    atMs: (index * minute) / 6,
    value: valueAt(index / 6),
  }));

describe('robustSlope', () => {
  it('gives the slope of a line, whatever single peaks do', () => {
    const line = points((at) => 100 + 3 * at);
    const peaked = line.map((point, index) => (index % 7 === 3 ? { ...point, value: 900 } : point));
    expect(robustSlope(line) * minute).toBeCloseTo(3);
    expect(robustSlope(peaked) * minute).toBeGreaterThan(2);
    expect(robustSlope(peaked) * minute).toBeLessThan(4);
  });
});

describe('judge', () => {
  it('finds a leak of 8 MB a minute, and none where memory swings', () => {
    expect(
      judge(
        'worker memory, MB',
        points((at) => 200 + 8 * at),
      ).isFlat,
    ).toBe(false);
    expect(
      judge(
        'worker memory, MB',
        points((at) => 200 + 30 * Math.sin(at * 9)),
      ).isFlat,
    ).toBe(true);
  });

  it('finds a handle lost each minute', () => {
    expect(
      judge(
        'API handles',
        points((at) => 30 + Math.floor(at)),
      ).isFlat,
    ).toBe(false);
    expect(
      judge(
        'API handles',
        points((at) => 30 + (Math.floor(at * 6) % 4)),
      ).isFlat,
    ).toBe(true);
  });
});
