import { expect, test } from 'vitest';
import { dragRegion, noRegion, type RegionFields, readRegion, regionWords } from './region.js';

const fieldsOf = (top: string, left: string, bottom: string, right: string): RegionFields => ({
  ...{ top, left, bottom, right },
});

test('sides in percent are a region in shares', () => {
  const region = { top: 0, left: 0.125, bottom: 0.5, right: 1 };
  expect(readRegion(fieldsOf('0', '12.5', '50', '100'))).toEqual({ region });
  expect(regionWords(region).replaceAll('\u00a0', ' ')).toBe(
    'rows 0.0 % to 50.0 %, columns 12.5 % to 100.0 %',
  );
});

test.each([
  [fieldsOf('-1', '0', '50', '101'), { top: '0 to 100, got -1', right: '0 to 100, got 101' }],
  [fieldsOf('0', '', '50', '50'), { left: '0 to 100' }],
  [fieldsOf('60', '0', '60', '50'), { bottom: "more than the top's 60" }],
  [fieldsOf('0', '70', '60', '50'), { right: "more than the left's 70" }],
  [fieldsOf('0', '0', 'x', '50'), { bottom: '0 to 100, got x' }],
])('%j are refused at each side', (fields, expected) => {
  const errors = Object.entries(expected).map(([side, words]) => [side, `Expected ${words}`]);
  expect(readRegion(fields)).toEqual({ errors: Object.fromEntries(errors) });
});

test('no sides at all are each asked for', () => {
  expect(readRegion(noRegion)).toMatchObject({ errors: { top: 'Expected 0 to 100' } });
});

test('a drag in any direction makes a box inside the map, and none without an area', () => {
  expect(dragRegion({ x: 80.4, y: 60 }, { x: 20.2, y: -12 })).toEqual(
    fieldsOf('0', '20', '60', '80'),
  );
  expect(dragRegion({ x: 10, y: 10 }, { x: 10.3, y: 90 })).toBeNull();
  expect(dragRegion({ x: 110, y: 10 }, { x: 130, y: 90 })).toBeNull();
});
