import { describe, expect, test } from 'vitest';
import { measureRate } from './recent-positions.js';

const startMs = 1_800_000_000_000;
/** The ring after so many positions were counted at each of these times, s after the start. */
function ringOf(times: readonly number[], positions: number): string[] {
  const counts = new Map<number, number>();
  for (const time of times) {
    const bucket = Math.floor((startMs / 1000 + time) / 2);
    counts.set(bucket, (counts.get(bucket) ?? 0) + positions);
  }
  return [...counts].map(([bucket, count]) => `${bucket} ${count}`);
}
const seconds = (from: number, to: number) =>
  Array.from({ length: to - from }, (_, index) => from + index);
const rateAt = (ring: readonly string[], time: number) => measureRate(ring, startMs + time * 1000);

describe('the rate of the last minute', () => {
  test('is that of a steady run, early and late', () => {
    for (const now of [10, 60, 600]) expect(rateAt(ringOf(seconds(0, now), 5), now)).toBe(5);
  });

  test('is unknown before anything is measured, and a minute after the last position', () => {
    expect(rateAt([], 0)).toBeNull();
    expect(rateAt(ringOf([0, 1], 50), 1.5)).toBeNull();
    const ring = ringOf(seconds(0, 20), 5);
    expect(rateAt(ring, 40)).toBeGreaterThan(0);
    expect(rateAt(ring, 80)).toBeNull();
  });

  test('does not take what one report brings for the work of its moment', () => {
    // A shard of 400 positions that took long, and then 2 a second.
    const ring = [...ringOf([0], 400), ...ringOf(seconds(2, 22), 2)];
    expect(rateAt(ring, 22)).toBe(2);
    // Two reports 40 s apart: 400 positions took 40 s, less the width of a bucket.
    expect(rateAt(ringOf([0, 40], 400), 40)).toBeCloseTo(400 / 38);
  });

  test('falls while nothing is finished, and forgets how it was over a minute ago', () => {
    const ring = ringOf(seconds(0, 30), 10);
    expect(rateAt(ring, 50)).toBeLessThan(rateAt(ring, 32) ?? 0);
    const slower = [...ringOf(seconds(0, 30), 10), ...ringOf(seconds(30, 120), 1)];
    expect(rateAt(slower, 120)).toBe(1);
  });
});
