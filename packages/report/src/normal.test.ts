import { expect, test } from 'vitest';
import { createNormal } from './normal.js';

test('createNormal draws numbers of mean 0, variance 1 and kurtosis 3', () => {
  const normal = createNormal(1);
  const draws = Float64Array.from({ length: 50_000 }, normal);
  const moment = (power: number) =>
    draws.reduce((sum, value) => sum + value ** power, 0) / draws.length;
  expect(Math.abs(moment(1))).toBeLessThan(0.02);
  expect(Math.abs(moment(2) - 1)).toBeLessThan(0.03);
  expect(Math.abs(moment(4) - 3)).toBeLessThan(0.15);
});
