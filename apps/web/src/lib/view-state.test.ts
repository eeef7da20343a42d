import fc from 'fast-check';
import { expect, test } from 'vitest';
import { defaultView, formatView, parseView, type ViewState } from './view-state.js';

const index = fc.nat(999_999);
const view: fc.Arbitrary<ViewState> = fc.record({
  target: index,
  grid: index,
  layer: fc.constantFrom('over', 'map', 'photo'),
  isSmooth: fc.boolean(),
  scale: fc.constantFrom('own', 'shared'),
  opacity: fc.nat(100),
  pin: fc.option(fc.record({ row: index, column: index })),
});

test('a view comes back from its address', () => {
  fc.assert(
    fc.property(view, (given) => {
      expect(parseView(new URLSearchParams(formatView(given).toString()))).toEqual(given);
    }),
  );
});

test('an address without anything is the default, and the default needs no address', () => {
  expect(parseView(new URLSearchParams())).toEqual(defaultView);
  expect(formatView(defaultView).toString()).toBe('');
});

test.each(['target=-1', 'target=x', 'view=none', 'cell=3', 'cell=a,b', 'cell=1e3,2'])(
  'what is no such value is left out: %s',
  (search) => {
    expect(parseView(new URLSearchParams(search))).toEqual(defaultView);
  },
);

test('an opacity beyond 100 is 100', () => {
  expect(parseView(new URLSearchParams('opacity=900')).opacity).toBe(100);
});
