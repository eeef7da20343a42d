import { describe, expect, test } from 'vitest';
import { divergingColour } from './colour-map.js';
import { formatTick } from './heatmap.js';

describe('the diverging colour map', () => {
  const lightness = ([r, g, b]: readonly number[]) =>
    0.2126 * (r ?? 0) + 0.7152 * (g ?? 0) + 0.0722 * (b ?? 0);

  test('is red for positive and blue for negative values, darker with their size', () => {
    const [red, , redsBlue] = divergingColour(1);
    const [bluesRed, , blue] = divergingColour(-1);
    expect(red).toBeGreaterThan(redsBlue + 100);
    expect(blue).toBeGreaterThan(bluesRed + 100);
    for (const sign of [1, -1]) {
      for (let step = 1; step <= 20; step++) {
        const here = lightness(divergingColour((sign * step) / 20));
        expect(here).toBeLessThan(lightness(divergingColour((sign * (step - 1)) / 20)));
      }
    }
  });
});

test('ticks have three significant digits at the ends, and agree in decimals', () => {
  const ticks = (limit: number) =>
    [1, 0.5, 0, -0.5, -1].map((tick) => formatTick(tick * limit, limit));
  expect(ticks(1.0312)).toEqual(['+1.03', '+0.52', '0', '\u22120.52', '\u22121.03']);
  expect(ticks(0.04217)).toEqual(['+0.0422', '+0.0211', '0', '\u22120.0211', '\u22120.0422']);
  expect(ticks(123.4)).toEqual(['+123', '+62', '0', '\u221262', '\u2212123']);
  expect(ticks(0.00012)[0]).toBe('+1.20e-4');
  expect(ticks(0)).toEqual(['0', '0', '0', '0', '0']);
});
