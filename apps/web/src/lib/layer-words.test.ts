import { expect, test } from 'vitest';
import {
  fieldAlong,
  formatField,
  mapOf,
  modesOf,
  unitNear,
  unitWithin,
  whyNoFilters,
} from './layer-words.js';

const axis = { size: 7, jump: 4, start: 0 };

test('a field is told by its size, stride and offset, once where the axes agree', () => {
  const receptiveField = { kind: 'window' as const, y: axis, x: { ...axis, size: 9 } };
  expect(formatField({ receptiveField })).toEqual({ size: '7 × 9', jump: '4', start: '0' });
  expect(formatField({ receptiveField: { kind: 'whole' } }).size).toBe('all');
});

test('a unit sees as many px as its field, and is the nearest to its middle', () => {
  expect(fieldAlong(axis, 2)).toEqual({ begin: 5, end: 12 });
  expect(unitNear(axis, 8.5, 8)).toBe(2);
  expect(unitNear(axis, -100, 8)).toBe(0);
  expect(unitNear(axis, 1_000, 8)).toBe(7);
});

test('filters are drawn in colour where kernels read three channels', () => {
  expect(modesOf({ filters: [64, 3, 11, 11] })).toEqual(['rgb', 'channels', 'collated']);
  expect(modesOf({ filters: [192, 64, 5, 5] })).toEqual(['channels', 'collated']);
  expect(modesOf({ filters: null })).toEqual([]);
  expect(whyNoFilters({ kind: 'pooling', parameters: 0 })).toContain('no trained numbers');
});

test('the middle unit is chosen unless another is, which is within the maps', () => {
  const map = mapOf({ outputShape: [1, 8, 6, 4] });
  expect(map).toEqual({ channels: 8, height: 6, width: 4 });
  expect(mapOf({ outputShape: [1, 5] })).toBeNull();
  expect(unitWithin({ height: 6, width: 4 }, null)).toEqual({ row: 3, column: 2 });
  expect(unitWithin({ height: 6, width: 4 }, { row: 9, column: 1 })).toEqual({ row: 5, column: 1 });
});
