import { expect, test } from 'vitest';
import { at, mustGet } from './assert.js';

test('at gives the element, zero among them, and refuses any other index', () => {
  expect(at([7, 0], 1)).toBe(0);
  expect(at(new Float32Array([1.5]), 0)).toBe(1.5);
  for (const index of [2, -1, 0.5, Number.NaN]) {
    expect(() => at([7, 0], index)).toThrow(`Expected an index below 2, got ${index}`);
  }
});

test('mustGet gives the value and names a missing key', () => {
  const map = new Map([['a', 0]]);
  expect(mustGet(map, 'a')).toBe(0);
  expect(() => mustGet(map, 'b')).toThrow("Expected a value for 'b'");
});
