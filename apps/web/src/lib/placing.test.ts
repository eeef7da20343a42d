import { describe, expect, test } from 'vitest';
import { fitInto, panBy, zoomAbout } from './placing.js';

const sizes = { picture: { width: 400, height: 100 }, frame: { width: 200, height: 200 } };
const small = { picture: { width: 30, height: 20 }, frame: { width: 200, height: 200 } };

describe('a picture in its frame', () => {
  test('is all seen at first, in the middle', () => {
    expect(fitInto(sizes)).toEqual({ x: 0, y: 75, scale: 0.5 });
  });

  test('is enlarged by whole numbers where it is small', () => {
    expect(fitInto(small)).toEqual({ x: 10, y: 40, scale: 6 });
  });

  test('keeps the px under the point about which it is enlarged', () => {
    const before = { x: -50, y: -50, scale: 4 };
    const point = { x: 120, y: 80 };
    const after = zoomAbout(before, 2, point, sizes);
    expect(after.scale).toBe(8);
    expect((point.x - after.x) / after.scale).toBeCloseTo((point.x - before.x) / before.scale, 9);
    expect((point.y - after.y) / after.scale).toBeCloseTo((point.y - before.y) / before.scale, 9);
  });

  test('is neither smaller than what fits, nor larger than 32 px a pixel', () => {
    expect(zoomAbout(fitInto(sizes), 0.01, { x: 0, y: 0 }, sizes).scale).toBe(0.5);
    expect(zoomAbout(fitInto(sizes), 1e6, { x: 0, y: 0 }, sizes).scale).toBe(32);
  });

  test('is moved no further than its edges', () => {
    const large = zoomAbout(fitInto(sizes), 4, { x: 0, y: 100 }, sizes);
    expect(large.scale).toBe(2);
    expect(panBy(large, { x: 999, y: 0 }, sizes).x).toBe(0);
    expect(panBy(large, { x: -9999, y: 0 }, sizes).x).toBe(200 - 800);
    expect(panBy(large, { x: 0, y: 50 }, sizes).y).toBe(0);
  });
});
